import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LingerlabError } from '../errors.ts';
import type { Loaded, LoadOptions, Seen } from '../experiment/load.ts';
import type { Lab } from '../lab/lab.ts';
import { batch, devices } from '../lab/link.ts';
import { type Space, sockstatIn } from '../lab/space.ts';
import type { CellObservers } from '../observers/observers.ts';
import { changes, parseCounters } from '../tcp/counters.ts';
import type { Crew } from './crew.ts';
import { type Mark, monotonicMs, type Times } from './mark.ts';
import { planOf } from './plan.ts';
import { between, bytesPerTimeWait, othersShare, saturated } from './usage.ts';

/** What a load needs to know of its cell. */
export interface LoadCell {
  readonly experiment: string;
  readonly repeats: number;
  /** Expected, of one repeat. */
  readonly seconds: number;
}

export interface Loading {
  /** Until now. */
  readonly seen: Seen;
  readonly lab: Lab;
  readonly observers: CellObservers;
  readonly planned: LoadCell;
  readonly crew: Crew;
  /** A process of the load ended though nobody stopped it. */
  readonly died: (error: LingerlabError) => void;
  readonly signal: AbortSignal;
}

/** Of no run's block, and none that a scenario is likely to name: tracepoints do not record it, and the namespace has nobody else. */
const untraced = 10_239;
const sockstatEveryMs = 50;
/** How long a client may take beyond its window; the cell ends before, and its processes with it. */
const drainMs = 120_000;
/** By so much a load may last longer than its cell says: less than the time that a cell is given beyond it. */
const patienceSeconds = 5;

/** Open and close connections as fast as they go, or as they are due, and measure what that costs. */
export async function runLoad(options: LoadOptions, loading: Loading): Promise<Loaded> {
  const measured = await measure(options, loading);
  // once the servers, too, have no connection any more
  return { ...measured, timeWaitLeft: timeWaitsIn(loading.lab.spaces) };
}

async function measure(options: LoadOptions, loading: Loading): Promise<Omit<Loaded, 'timeWaitLeft'>> {
  const { lab, observers, seen, planned, crew, died, signal } = loading;
  const plan = planOf(options);
  const { watched } = plan;
  const takes = plan.warmUpSeconds + plan.seconds;
  if (takes > planned.seconds + patienceSeconds)
    throw new TypeError(
      `load: takes ${takes} s, and the cell may take ${planned.seconds} s; set \`seconds: ${Math.ceil(takes)}\` in the experiment`,
    );
  const port = watched === 'trace' ? lab.port() : untraced;
  const hosts = await addressesOf(lab, plan.addresses);
  if (watched === 'trace') observers.watchPort(port, hosts);
  const marks: Mark[] = [];
  await using hands = await crew.lend({
    experiment: planned.experiment,
    repeats: planned.repeats,
    space: (end) => lab.space(end),
    servers: plan.servers,
    told: (mark) => void marks.push(mark),
    died,
    signal,
  });
  const { client, servers } = hands;
  for (const server of servers) await server.ask('serve', { ...plan, port, reusePort: servers.length > 1 });
  if (typeof watched === 'number') await observers.pace(watched);
  const asked = client.ask(
    'drive',
    {
      ...plan,
      from: lab.address('client', 4),
      targets: hosts.map((address) => ({ address, port })),
      marked: { servers: servers.map(({ pid }) => pid), spaces: beside(lab) },
    },
    takes * 1000 + drainMs,
  );
  const watching = new AbortController();
  const series = timeWaits(lab.spaces, AbortSignal.any([signal, watching.signal]));
  const driven = await asked.finally(() => watching.abort());
  if (typeof watched === 'number') await observers.pace(0);
  const counts = await series;
  await observers.flush();
  const [from, to] = marks as [Mark, Mark];
  const used = between(from.usage, to.usage);
  const faults = {
    client: to.client.faults - from.client.faults,
    servers: to.servers.faults - from.servers.faults,
  };
  const [before, after] = [together(from.counters), together(to.counters)];
  const bytes = bytesPerTimeWait();
  return {
    ...driven,
    driver: plan.driver,
    perSecond: driven.finished / driven.seconds,
    used,
    systemShare: {
      client: systemShare(from.client, to.client),
      servers: systemShare(from.servers, to.servers),
    },
    saturated: saturated(used, driven.seconds, servers.length, availableParallelism()),
    othersShare: othersShare(used, driven.seconds, availableParallelism()),
    timeWait: counts
      .filter(({ at }) => at >= from.at && at <= to.at)
      .map(({ at, count }) => ({ seconds: (at - from.at) / 1000, count })),
    ...(bytes !== undefined && { bytesPerTimeWait: bytes }),
    counters: { ...unchanged(after), ...changes(before, after) },
    seen: { ...seen },
    faults,
  };
}

/** Namespaces of the lab other than the client's. */
const beside = (lab: Lab): string[] =>
  lab.spaces.flatMap(({ path }) => (path === lab.space('client').path ? [] : [path]));

/** Of what was used between the two, the share that the kernel did in the processes' name. */
function systemShare(from: Times, to: Times): number {
  const all = to.all - from.all;
  return all === 0 ? 0 : (all - (to.user - from.user)) / all;
}

/** Of a counter that did not change it is known that it is 0, of one that the kernel has not nothing. */
const unchanged = (counters: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.keys(counters).map((name) => [name, 0]));

/** The counters of all namespaces. */
function together(all: Mark['counters']): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const [snmp, netstat] of all)
    for (const [name, value] of Object.entries(parseCounters(snmp, netstat))) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

const timeWaitsIn = (spaces: readonly Space[]): number =>
  spaces.reduce((total, space) => total + sockstatIn(space).tw, 0);

/** sockstat's mini-sockets until the signal: 10 µs each, where `ss` takes 17 ms with 10,000 of them. */
async function timeWaits(spaces: readonly Space[], until: AbortSignal) {
  const counts: { readonly at: number; readonly count: number }[] = [];
  while (!until.aborted) {
    counts.push({ at: monotonicMs(), count: timeWaitsIn(spaces) });
    await sleep(sockstatEveryMs, undefined, { signal: until }).catch(() => undefined);
  }
  return counts;
}

/** So many addresses at which the server is reached; on a link they are made. */
async function addressesOf(lab: Lab, count: number): Promise<string[]> {
  const all = Array.from({ length: count }, (_, nth) =>
    lab.network === 'loopback' ? `127.200.0.${nth + 1}` : `10.200.0.${nth + 1}`,
  );
  if (lab.network !== 'loopback') {
    const device = lab.network === 'wire' ? devices.wire : devices.veth;
    await batch(
      'ip',
      lab.space('server'),
      all.map((address) => `addr add ${address}/32 dev ${device}`),
    );
    await batch('ip', lab.space('client'), [`route add 10.200.0.0/24 dev ${device}`]);
  }
  return all;
}
