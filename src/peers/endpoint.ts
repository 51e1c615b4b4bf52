import type { Answer, CloseBy, CloseOptions, Endpoint, Step, WithOptions } from '../experiment/stage.ts';
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
  readonly options: WithOptions;
}

/** A scenario's handle of one end of a connection; `take` makes a step of an answer. */
export function endpointHandle(
  { peer, id, end, local, remote, what: name, options: own }: EndpointParts,
  take: <T>(what: string, answer: Promise<Answer<T>>) => Step<T>,
): Endpoint {
  const step = <V extends Verb>(verb: V, rest: Omit<Verbs[V]['ask'], 'endpoint'>, what: string = verb) =>
    take(`${name}.${what}`, peer.ask(verb, { ...rest, endpoint: id } as unknown as Verbs[V]['ask']));
  const closing = ({ sending, at }: CloseOptions) => ({
    ...(sending !== undefined && { sending }),
    ...(at && { atNs: at.ns }),
  });
  return {
    end,
    local,
    remote,
    ...own,
    error: () => step('error', {}, 'SO_ERROR'),
    info: () => step('info', {}, 'TCP_INFO'),
    write: (bytes) => step('write', { bytes }),
    received: (bytes) => step('received', { bytes }, `received ${bytes} bytes`),
    ended: () => step('saw', { event: 'end' }, 'ended'),
    gone: () => step('saw', { event: 'close' }, 'gone'),
    pause: () => step('pause', {}),
    stopReading: () => step('stopReading', {}),
    unread: (where, bytes) => step('unread', { where, bytes }, `${bytes} bytes unread in ${where}`),
    resume: () => step('resume', {}),
    close: (by: CloseBy = 'end', options: CloseOptions = {}) =>
      step('close', { by, ...closing(options) }, `close by ${by}`),
    shutdown: (how, options: CloseOptions = {}) => step('shutdown', { how, ...closing(options) }, `shutdown ${how}`),
  };
}
