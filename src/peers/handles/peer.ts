import type { Answer, EndBy, Ended, Peer } from '../../experiment/handles.ts';
import type { PeerProcess } from '../process.ts';
import { type Cast, take } from './cast.ts';
import { connect, join, open, reach } from './connections.ts';
import { bind, listen, place } from './listening.ts';
import type { Acting } from './registry.ts';

/** A scenario's handle of a peer, entered in the registry. */
export function peerHandle(cast: Cast, acting: Acting): Peer {
  const { process } = acting;
  const step = <T>(what: string, answer: Promise<Answer<T>>) => take(cast, `${process.name}.${what}`, answer);
  const peer: Peer = {
    name: process.name,
    pid: process.pid,
    async signal(name) {
      await process.signal(name);
      signalled(cast, process, name);
    },
    survive: (signal) => step(`survive ${signal}`, process.ask('survive', { signal })),
    end: (by) => step(`end by ${by}`, end(cast, process, by)),
    listen: (options = {}) => step('listen', listen(cast, acting, options)),
    bind: (options = {}) => step('bind', bind(cast, acting, options)),
    knock: (on, { family } = {}) => {
      const to = reach(cast, on, family);
      return step(
        `knock on port ${on.at.port}`,
        cast.observers.begins(to, () => process.ask('knock', { to })),
      );
    },
    connect: (to, options = {}) => step(`connect to port ${to.at.port}`, connect(cast, process, to, options)),
    join: (queue, options = {}) => step(`join port ${queue.at.port}`, join(cast, process, queue, options)),
    place: ({ family = 4 } = {}) => place(cast, acting, family),
    open: (to, options = {}) => step(`open to port ${to.at.port}`, open(cast, acting, to, options)),
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
