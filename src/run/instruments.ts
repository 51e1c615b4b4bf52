import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Side } from '../experiment/endpoint.ts';
import type { Instruments } from '../experiment/instruments.ts';
import type { Answer } from '../experiment/step.ts';
import { timerSlotSeconds } from '../facts/timer-wheel.ts';
import type { Lab } from '../lab/lab.ts';
import { type Space, sockstatIn, synReceivedIn, sysctlHere } from '../lab/space.ts';
import { hz } from '../native/process.ts';
import type { CellObservers } from '../observers/observers.ts';
import type { PeerProcess } from '../peers/process.ts';
import type { Steps } from '../peers/step.ts';
import { runTool } from '../process/tool.ts';
import type { Event, Ns, SsSocket } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { sameAddress } from '../tcp/address.ts';
import { type End, otherEnd } from '../tcp/states.ts';

export interface Outside {
  readonly lab: Lab;
  readonly observers: CellObservers;
  readonly events: readonly Event[];
  readonly now: () => Ns;
  readonly record: (event: Event) => void;
  readonly steps: Steps;
  readonly signal: AbortSignal;
  /** The peers that run in that end's namespace. */
  readonly peers: (where: End) => readonly PeerProcess[];
}

const goneMs = 2;

/** What a scenario can look at and take away from outside the peers. */
export function instruments(outside: Outside): Instruments {
  const { lab, steps } = outside;
  return {
    look: (endpoint) => look(outside, endpoint),
    sockets(where) {
      const { inuse, inuse6 = 0, tw, orphan, mem } = sockstatIn(lab.space(where));
      return { inUse: inuse + inuse6, timeWait: tw, hostOrphans: orphan, hostPages: mem };
    },
    synReceived: (where) => synReceivedIn(lab.space(where)),
    timerSlot: (seconds) => timerSlotSeconds(seconds, hz()),
    sysctl(name, where = 'server') {
      const space = lab.space(where);
      const value = space.inside(() => sysctlHere(name));
      return value === undefined ? undefined : { value, own: space.own[name] ?? value };
    },
    destroy: (endpoint) => steps.take(`destroy ${endpoint.end}'s socket`, destroy(outside, endpoint)),
    abandon: (where) => steps.take(`abandon the ${where}'s namespace`, abandon(outside, where)),
  };
}

async function look({ lab, observers, events }: Outside, endpoint: Side): Promise<SsSocket | undefined> {
  const { name } = lab.space(endpoint.end);
  // before cells that only wait: what the scenario looks at may not stay
  observers.nudge();
  await observers.sample();
  const sample = events.findLast((event) => event.kind === 'sample' && event.space === name);
  return sample?.kind === 'sample'
    ? sample.sockets.find(
        ({ local, remote }) => sameAddress(local, endpoint.local) && sameAddress(remote, endpoint.remote),
      )
    : undefined;
}

/** As ss(8) takes an address in a filter. */
const inFilter = ({ address, port }: Address) => `${address.includes(':') ? `[${address}]` : address}:${port}`;

async function destroy(outside: Outside, endpoint: Side): Promise<Answer> {
  const { lab, now, record } = outside;
  const { local, remote } = endpoint;
  const began = now();
  const filter = ['src', inFilter(local), 'and', 'dst', inFilter(remote)];
  const space = lab.space(endpoint.end);
  const ss = (...how: string[]) => space.inside(() => runTool('ss', [...how, '-tanH', 'state', 'all', ...filter]));
  // ss ends with a complaint about sockets of a filter that would not be killed: looking afterwards decides, at once, and not
  // in the observers' turn: meanwhile the other end's timers run
  await ss('-K');
  const ns = now() - began;
  const { stdout } = await ss();
  if (stdout.trim() !== '') return { ok: false, errno: 'EOPNOTSUPP', syscall: 'SOCK_DESTROY', ns };
  record({ t: began, source: 'harness', kind: 'destroyed', local, remote });
  return { ok: true, value: undefined, ns };
}

/** The devices of a namespace, netdevice(7). */
const devicesIn = (space: Space) =>
  space.inside(() =>
    readFileSync('/proc/thread-self/net/dev', 'latin1')
      .split('\n')
      .flatMap((line) => /^ *([^:]+):/.exec(line)?.[1] ?? []),
  );

/** A veth pair goes when either of its namespaces is taken apart: cleanup_net() in net/core/net_namespace.c, veth_dellink(). */
async function abandon({ lab, observers, peers, now, signal }: Outside, where: End): Promise<Answer<number>> {
  if (lab.network === 'loopback') throw new TypeError('abandon: on loopback both ends are in one namespace');
  await Promise.all(peers(where).map((peer) => peer.signal('SIGKILL')));
  const left = lab.space(where);
  await observers.counters();
  await observers.leave(left.name);
  const began = now();
  left[Symbol.dispose]();
  while (devicesIn(lab.space(otherEnd(where))).includes('veth0')) await sleep(goneMs, undefined, { signal });
  const ns = now() - began;
  return { ok: true, value: ns / 1e9, ns };
}
