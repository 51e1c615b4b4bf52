import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LingerlabError } from '../errors.ts';
import { acceptedEnd } from '../experiment/accepted.ts';
import { acceptedSeconds } from '../experiment/accepted-steps.ts';
import { refused, succeeded } from '../experiment/answer.ts';
import type { Answer, Side } from '../experiment/handles.ts';
import type { Gauges, Instruments } from '../experiment/instruments.ts';
import { lookIn } from '../facts/connections.ts';
import { timerSlotSeconds } from '../facts/timer-wheel.ts';
import type { Lab } from '../lab/lab.ts';
import { devices, routerDevices } from '../lab/link.ts';
import { type Space, sockstatIn, synReceivedIn, sysctlHere } from '../lab/space.ts';
import { hz } from '../native/process.ts';
import { runTool } from '../process/tool.ts';
import type { Event, SampleEvent, SsSocket } from '../record/event.ts';
import { addressAndPort } from '../tcp/address.ts';
import { type End, otherEnd } from '../tcp/states.ts';
import type { Peers } from './peers.ts';
import type { Playing } from './playing.ts';

const goneMs = 2;

/** What can be read of a cell's namespaces. */
export const gauges = (lab: Lab): Gauges => ({
  sockets(where) {
    const { inuse, inuse6 = 0, tw, orphan, mem } = sockstatIn(lab.space(acceptedEnd('sockets(): where', where)));
    return { inUse: inuse + inuse6, timeWait: tw, hostOrphans: orphan, hostPages: mem };
  },
  synReceived: (where) => synReceivedIn(lab.space(acceptedEnd('synReceived(): where', where))),
  timerSlot(seconds) {
    acceptedSeconds('timerSlot()', seconds);
    return timerSlotSeconds(seconds, hz());
  },
  sysctl(name, where = 'server') {
    const space = lab.space(acceptedEnd('sysctl(): where', where));
    const value = space.inside(() => sysctlHere(name));
    return value === undefined ? undefined : { value, own: space.own[name] ?? value };
  },
});

/** What a scenario can look at and take away from outside the peers. */
export const instruments = (playing: Playing, peers: Peers, events: readonly Event[]): Instruments => ({
  ...gauges(playing.lab),
  look(endpoint) {
    peers.registry.endpoint(endpoint);
    return look(playing, events, endpoint);
  },
  destroy(endpoint) {
    peers.registry.endpoint(endpoint);
    return playing.steps.take(`destroy ${endpoint.end}'s socket`, destroy(playing, endpoint));
  },
  abandon(where) {
    acceptedEnd('abandon(): where', where);
    return playing.steps.take(`abandon the ${where}'s namespace`, abandon(playing, peers, where));
  },
});

async function look(
  { lab, watching, now }: Playing,
  events: readonly Event[],
  endpoint: Side,
): Promise<SsSocket | undefined> {
  const { name } = lab.space(lab.siteOf(endpoint));
  const asked = now();
  // before cells that only wait: what the scenario looks at may not stay
  watching.nudge();
  await watching.sample();
  const sample = events.findLast(
    (event): event is SampleEvent => event.kind === 'sample' && event.space === name && event.t >= asked,
  );
  const found = sample && lookIn(sample, endpoint);
  if (!found) throw notObserved(endpoint, sample);
  return found.socket;
}

/** An answer would be a guess: a scenario takes no socket for one that is gone. */
function notObserved({ end }: Side, sample: SampleEvent | undefined): LingerlabError {
  const { unread = 0, leftOut = 0 } = sample ?? {};
  const why =
    sample === undefined
      ? 'the sockets could not be sampled'
      : unread > 0
        ? `${unread} lines of ss have an unknown format, and one of them may be this socket`
        : `the socket may be one of ${leftOut} in TIME-WAIT, which are too many to sample`;
  return new LingerlabError(
    'NOT_OBSERVED',
    `look(): the ${end}'s socket was not observed: ${why}`,
    'run again with --sampler netlink, which reads the sockets without ss',
  );
}

async function destroy({ lab, now, record }: Playing, endpoint: Side): Promise<Answer> {
  const { local, remote } = endpoint;
  const began = now();
  const filter = ['src', addressAndPort(local), 'and', 'dst', addressAndPort(remote)];
  const space = lab.space(lab.siteOf(endpoint));
  const ss = (...how: string[]) => space.inside(() => runTool('ss', [...how, '-tanH', 'state', 'all', ...filter]));
  // ss ends with a complaint about sockets of a filter that would not be killed: looking afterwards decides, at once, and not
  // in the observers' turn: meanwhile the other end's timers run
  await ss('-K');
  const ns = now() - began;
  const { stdout } = await ss();
  if (stdout.trim() !== '') return refused({ errno: 'EOPNOTSUPP', syscall: 'SOCK_DESTROY' }, ns);
  record({ t: began, source: 'harness', kind: 'destroyed', local, remote });
  return succeeded(undefined, ns);
}

/** The devices of a namespace, netdevice(7). */
const devicesIn = (space: Space) =>
  space.inside(() =>
    readFileSync('/proc/thread-self/net/dev', 'latin1')
      .split('\n')
      .flatMap((line) => /^ *([^:]+):/.exec(line)?.[1] ?? []),
  );

/** A veth pair goes when either of its namespaces is taken apart: cleanup_net() in net/core/net_namespace.c, veth_dellink(). */
async function abandon({ lab, watching, now, signal }: Playing, peers: Peers, where: End): Promise<Answer<number>> {
  if (lab.network === 'loopback') throw new TypeError('abandon: on loopback both ends are in one namespace');
  await Promise.all(peers.at(where).map((peer) => peer.signal('SIGKILL')));
  const left = lab.space(where);
  await watching.counters();
  await watching.leave(left.name);
  const began = now();
  left[Symbol.dispose]();
  const [beside, device] =
    lab.network === 'routed' ? [lab.space('router'), routerDevices[where]] : [lab.space(otherEnd(where)), devices.veth];
  while (devicesIn(beside).includes(device)) await sleep(goneMs, undefined, { signal });
  const ns = now() - began;
  return succeeded(ns / 1e9, ns);
}
