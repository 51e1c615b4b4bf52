import type { Answer, CloseBy, CloseOptions, Duplicate, Endpoint, Step, WithOptions } from '../experiment/stage.ts';
import type { End } from '../facts/states.ts';
import type { Address } from '../record/event.ts';
import type { PeerProcess } from './process.ts';
import type { Verb, Verbs } from './protocol.ts';

/** What an endpoint's handle is made of. */
export interface EndpointParts {
  readonly peer: PeerProcess;
  readonly id: number;
  readonly end: End;
  readonly local: Address;
  readonly remote: Address;
  /** What its steps are called in messages: `client`, `old.client`. */
  readonly what: string;
  /** The options of a socket of its peer's, by number; what its steps are called. */
  readonly options: (socket: number, what: string) => WithOptions;
}

/** A scenario's handle of one end of a connection; `take` makes a step of an answer. */
export function endpointHandle(
  { peer, id, end, local, remote, what: name, options }: EndpointParts,
  take: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>,
): Endpoint {
  const step = <V extends Verb>(verb: V, rest: Omit<Verbs[V]['ask'], 'endpoint'>, what: string = verb) =>
    take(`${name}.${what}`, peer.ask(verb, { ...rest, endpoint: id } as unknown as Verbs[V]['ask']));
  const closing = ({ sending, at, andThen }: CloseOptions) => ({
    ...(andThen && { andThen }),
    ...(sending !== undefined && { sending }),
    ...(at && { atNs: at.ns }),
  });
  const duplicated = async (): Promise<Answer<Duplicate>> => {
    const answer = await peer.ask('dup', { endpoint: id });
    if (!answer.ok) return answer;
    const { duplicate } = answer.value;
    const value: Duplicate = {
      ...options(duplicate, `${name}.duplicate`),
      close: (thread = 'main') => step('closeDuplicate', { duplicate, thread }, 'duplicate.close'),
    };
    return { ...answer, value };
  };
  return {
    end,
    local,
    remote,
    ...options(id, name),
    error: () => step('error', {}, 'SO_ERROR'),
    info: () => step('info', {}, 'TCP_INFO'),
    sendQueue: () => step('sendQueue', {}, 'SIOCOUTQ'),
    write: (bytes, { fill } = {}) => step('write', { bytes, ...(fill !== undefined && { fill }) }),
    heard: () => step('heard', {}),
    received: (bytes) => step('received', { bytes }, `received ${bytes} bytes`),
    ended: () => step('saw', { event: 'end' }, 'ended'),
    gone: () => step('saw', { event: 'close' }, 'gone'),
    pause: () => step('pause', {}),
    stopReading: () => step('stopReading', {}),
    unread: (where, bytes) => step('unread', { where, bytes }, `${bytes} bytes unread in ${where}`),
    resume: () => step('resume', {}),
    close(by: CloseBy = 'end', options: CloseOptions = {}) {
      if (by === 'close(2)' && options.andThen) throw new TypeError('after close(2) net has nothing to close');
      return step('close', { by, ...closing(options) }, `close by ${by}`);
    },
    shutdown: (how, options: CloseOptions = {}) => step('shutdown', { how, ...closing(options) }, `shutdown ${how}`),
    dup: () => take(`${name}.dup`, duplicated()),
  };
}
