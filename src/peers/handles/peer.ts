import { acceptedArgument, acceptedOptions } from '../../experiment/accepted-steps.ts';
import type { Answer, EndBy, Ended, ListenOptions, Peer } from '../../experiment/handles.ts';
import type { PeerProcess } from '../process.ts';
import { type Cast, take } from './cast.ts';
import { connect, join, open } from './connections.ts';
import { bind, listen } from './listening.ts';
import { reach } from './opening.ts';
import { addressOf, place, ports } from './place.ts';
import { exec } from './program.ts';
import { socket } from './raw.ts';
import type { Acting, Reachable } from './registry.ts';

/** Where a socket is to be, as far as the scenario says so: ` at 127.0.0.2 on port 8080`. */
const placeText = ({ at, port }: Pick<ListenOptions, 'at' | 'port'>): string =>
  (at === undefined ? '' : ` at ${typeof at === 'object' ? at.address : at}`) +
  (port === undefined ? '' : ` on port ${port}`);

/** A scenario's handle of a peer, entered in the registry. */
export function peerHandle(cast: Cast, acting: Acting): Peer {
  const { process } = acting;
  const portOf = (to: Reachable) => cast.registry.listening(to).at.port;
  const step = <T>(what: string, answer: Promise<Answer<T>>) => take(cast, `${process.name}.${what}`, answer);
  const peer: Peer = {
    name: process.name,
    pid: process.pid,
    async signal(name) {
      acceptedArgument('signal()', name);
      await process.signal(name);
      signalled(cast, process, name);
    },
    survive(signal) {
      acceptedArgument('survive()', signal);
      return step(`survive ${signal}`, process.ask('survive', { signal }));
    },
    end(by) {
      acceptedArgument('end(): by', by);
      return step(`end by ${by}`, end(cast, process, by));
    },
    exec(command, args = [], options = {}) {
      acceptedArgument('exec(): command', command);
      acceptedArgument('exec(): args', args);
      acceptedOptions('exec', options);
      return step(`exec ${command}`, exec(cast, process, { command, args, options }));
    },
    listen(options = {}) {
      acceptedOptions('listen', options);
      return step(`listen${placeText(options)}`, listen(cast, acting, options));
    },
    bind(options = {}) {
      acceptedOptions('bind', options);
      return step(`bind${placeText(options)}`, bind(cast, acting, options));
    },
    socket(options = {}) {
      acceptedOptions('socket', options);
      return step('socket', socket(cast, acting, options));
    },
    knock(on, options = {}) {
      acceptedOptions('knock', options);
      const to = reach(cast, on, options.family);
      const begins = cast.observers.begins('SYN-SENT', to, () => process.ask('knock', { to }));
      return step(`knock on port ${to.port}`, begins);
    },
    connect(to, options = {}) {
      acceptedOptions('connect', options);
      return step(`connect to port ${portOf(to)}`, connect(cast, acting, to, options));
    },
    join(queue, options = {}) {
      acceptedOptions('join', options);
      return step(`join port ${portOf(queue)}`, join(cast, acting, queue, options));
    },
    place(options = {}) {
      acceptedOptions('place', options);
      return place(cast, acting, options);
    },
    address(options = {}) {
      acceptedOptions('address', options);
      const { family, at = 'own' } = options;
      return addressOf(cast, acting.end, at, family);
    },
    ports(count) {
      acceptedArgument('ports(): count', count);
      return ports(cast, count);
    },
    open(to, options = {}) {
      acceptedOptions('open', options);
      return step(`open to port ${portOf(to)}`, open(cast, acting, to, options));
    },
  };
  cast.registry.addPeer(peer, acting);
  return peer;
}

function signalled({ now, record }: Cast, process: PeerProcess, signal: string): void {
  record({ t: now(), source: 'harness', kind: 'signal', peer: process.name, signal });
}

async function end(cast: Cast, process: PeerProcess, by: EndBy): Promise<Answer<Ended>> {
  const answer = await process.end(by);
  if (by === 'SIGTERM' || by === 'SIGKILL') signalled(cast, process, by);
  return answer;
}
