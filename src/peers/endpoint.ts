import type {
  Answer,
  CloseBy,
  CloseOptions,
  Copy,
  Duplicate,
  Endpoint,
  Peer,
  Step,
  WithOptions,
} from '../experiment/handles.ts';
import type { Address } from '../tcp/address.ts';
import type { End } from '../tcp/states.ts';
import { pass } from './pass.ts';
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
  readonly options: (process: PeerProcess, socket: number, what: string) => WithOptions;
  readonly processOf: (peer: Peer) => PeerProcess;
  /** Makes a step of an answer. */
  readonly step: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>;
}

/** A scenario's handle of one end of a connection. */
export function endpointHandle(parts: EndpointParts): Endpoint {
  const { peer, id, end, local, remote, what: name, options, processOf, step: take } = parts;
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
      ...options(peer, duplicate, `${name}.duplicate`),
      close: (thread = 'main') => step('closeDuplicate', { duplicate, thread }, 'duplicate.close'),
    };
    return { ...answer, value };
  };
  const copied = async (to: PeerProcess): Promise<Answer<Copy>> => {
    const passed = await pass(peer, id, to);
    if (!passed.ok) return passed;
    const what = `${name}.copy of ${to.name}`;
    const close = () => take(`${what}.close`, to.ask('unbind', { bound: passed.value }));
    return { ...passed, value: { ...options(to, passed.value, what), close } };
  };
  return {
    end,
    local,
    remote,
    ...options(peer, id, name),
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
    copyTo: (other) => take(`${name}.copyTo ${other.name}`, copied(processOf(other))),
  };
}
