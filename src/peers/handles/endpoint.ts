import { acceptedArgument, acceptedOptions } from '../../experiment/accepted-steps.ts';
import type { Answer, CloseBy, CloseOptions, Copy, Duplicate, Endpoint } from '../../experiment/handles.ts';
import type { Address } from '../../tcp/address.ts';
import type { End } from '../../tcp/states.ts';
import type { PeerProcess } from '../process.ts';
import type { Verb, Verbs } from '../protocol.ts';
import { type Cast, optionsOf, pass, take } from './cast.ts';
import { fill } from './fill.ts';
import { rawEnd } from './raw.ts';
import type { Numbered } from './registry.ts';

/** One end of a connection, whose process has it. */
export interface EndpointParts {
  readonly at: Numbered;
  readonly end: End;
  readonly local: Address;
  readonly remote: Address;
  readonly label: string;
}

/** A scenario's handle of one end of a connection, entered in the registry. */
export function endpointHandle(cast: Cast, { at, end, local, remote, label }: EndpointParts): Endpoint {
  const { peer, id } = at;
  const name = `${label ? `${label}.` : ''}${end}`;
  const step = <V extends Verb>(verb: V, rest: Omit<Verbs[V]['ask'], 'endpoint'>, what: string = verb) =>
    take(cast, `${name}.${what}`, peer.ask(verb, { ...rest, endpoint: id } as unknown as Verbs[V]['ask']));
  const closing = ({ sending, at: moment, andThen }: CloseOptions) => ({
    ...(andThen && { andThen }),
    ...(sending !== undefined && { sending }),
    ...(moment && { atNs: moment.ns }),
  });
  const duplicated = async (): Promise<Answer<Duplicate>> => {
    const answer = await peer.ask('dup', { endpoint: id });
    if (!answer.ok) return answer;
    const { duplicate } = answer.value;
    const value: Duplicate = {
      ...optionsOf(cast, peer, duplicate, `${name}.duplicate`),
      close(thread = 'main') {
        acceptedArgument('duplicate.close(): thread', thread);
        return step('closeDuplicate', { duplicate, thread }, 'duplicate.close');
      },
    };
    return { ...answer, value };
  };
  const copied = async (to: PeerProcess): Promise<Answer<Copy>> => {
    const passed = await pass(peer, id, to);
    if (!passed.ok) return passed;
    const what = `${name}.copy of ${to.name}`;
    const close = () => take(cast, `${what}.close`, to.ask('unbind', { bound: passed.value }));
    return { ...passed, value: { ...optionsOf(cast, to, passed.value, what), close } };
  };
  const endpoint: Endpoint = {
    end,
    local,
    remote,
    ...optionsOf(cast, peer, id, name),
    error: () => take(cast, `${name}.SO_ERROR`, peer.ask('error', { socket: id })),
    info: () => take(cast, `${name}.TCP_INFO`, peer.ask('info', { socket: id })),
    sendQueue: () => take(cast, `${name}.SIOCOUTQ`, peer.ask('sendQueue', { socket: id })),
    write(bytes, options = {}) {
      acceptedArgument('write(): bytes', bytes);
      acceptedOptions('write', options);
      const { fill } = options;
      return step('write', { bytes, ...(fill !== undefined && { fill }) });
    },
    heard: () => step('heard', {}),
    received(bytes) {
      acceptedArgument('received(): bytes', bytes);
      return step('received', { bytes }, `received ${bytes} bytes`);
    },
    ended: () => step('saw', { event: 'end' }, 'ended'),
    gone: () => step('saw', { event: 'close' }, 'gone'),
    pause: () => step('pause', {}),
    stopReading: () => step('stopReading', {}),
    unread(where, bytes) {
      acceptedArgument('unread(): where', where);
      acceptedArgument('unread(): bytes', bytes);
      return step('unread', { where, bytes }, `${bytes} bytes unread in ${where}`);
    },
    fill(far, options = {}) {
      acceptedOptions('fill', options);
      const other = cast.registry.endpoint(far);
      if (!other.at || other.endpoint.end === end || other.label !== label)
        throw new TypeError('fill(): the argument must be the other end of this connection, and belong to a process');
      return take(cast, `${name}.fill`, fill(at, other.at, options));
    },
    resume: () => step('resume', {}),
    close(by: CloseBy = 'end', options: CloseOptions = {}) {
      acceptedArgument('close(): by', by);
      acceptedOptions('close', options);
      if (by === 'close(2)' && options.andThen)
        throw new TypeError('close(): andThen: not possible after close(2), which leaves net no descriptor');
      return step('close', { by, ...closing(options) }, `close by ${by}`);
    },
    shutdown(how, options: CloseOptions = {}) {
      acceptedArgument('shutdown(): how', how);
      acceptedOptions('shutdown', options);
      return step('shutdown', { how, ...closing(options) }, `shutdown ${how}`);
    },
    dup: () => take(cast, `${name}.dup`, duplicated()),
    raw: () => take(cast, `${name}.raw`, rawEnd(cast, { process: peer, end }, endpoint, name)),
    copyTo(other) {
      const { process } = cast.registry.peer(other);
      return take(cast, `${name}.copyTo ${process.name}`, copied(process));
    },
  };
  cast.registry.addEndpoint({ endpoint, at, label });
  return endpoint;
}
