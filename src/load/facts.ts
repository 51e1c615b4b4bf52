import type { Loaded, Seen } from '../experiment/load.ts';
import type { LoadValues } from '../facts/load.ts';
import type { CellEvents } from '../record/cell-events.ts';
import type { Event } from '../record/event.ts';
import type { FactValue, UnknownFact } from '../record/fact.ts';

/** What arrived and was thrown away, by what it found full. */
const drops = ['ListenDrops', 'TCPBacklogDrop', 'TCPRcvQDrop', 'TCPReqQFullDrop', 'RcvPruned', 'OfoPruned'].map(
  (name) => `TcpExt.${name}`,
);

/** Facts of the kernel's counters, with those that they add up. */
const counted: Readonly<Record<string, readonly string[]>> = {
  'load.recycled': ['TcpExt.TWRecycled'],
  'load.retransmits': ['Tcp.RetransSegs'],
  'load.dropped': drops,
};

/** Facts of what a request took, of which there must be one. */
const ofRequests = [
  'rate.perCpuSecond',
  'latency.p50Us',
  'latency.p99Us',
  'cpu.usPerConnection',
  'cpu.clientUs',
  'cpu.clientSystemUs',
  'cpu.serverUs',
  'cpu.serverSystemUs',
  'cpu.softirqUs',
];

/** What a load says as facts, and of those that are unknown why. */
export function loadFindings(loaded: Loaded): {
  readonly facts: Readonly<Record<string, FactValue | null>>;
  readonly unknown: Record<string, UnknownFact>;
} {
  const {
    finished,
    before,
    failed,
    latency,
    intervals,
    used,
    systemShare,
    timeWait,
    bytesPerTimeWait,
    counters,
    seen,
  } = loaded;
  const usEach = (seconds: number) => (seconds * 1e6) / finished;
  const facts: Omit<LoadValues, 'memory.bytesPerTimeWait' | 'load.recycled' | 'load.retransmits' | 'load.dropped'> = {
    'rate.perSecond': loaded.perSecond,
    'rate.perCpuSecond': finished / (used.client + used.servers),
    'rate.series': intervals.map(({ perSecond }) => perSecond),
    'latency.p50Us': latency.p50Us,
    'latency.p99Us': latency.p99Us,
    'latency.series': intervals.map(({ p50Us }) => p50Us),
    'cpu.usPerConnection': usEach(used.client + used.servers),
    'cpu.clientUs': usEach(used.client),
    'cpu.clientSystemUs': usEach(used.client * systemShare.client),
    'cpu.serverUs': usEach(used.servers),
    'cpu.serverSystemUs': usEach(used.servers * systemShare.servers),
    'cpu.softirqUs': usEach(used.softirq),
    'cpu.saturated': loaded.saturated,
    'cpu.othersShare': loaded.othersShare,
    'timeWait.peak': Math.max(0, ...timeWait.map(({ count }) => count)),
    'timeWait.series': timeWait.map(({ count }) => count),
    'timeWait.each': loaded.ever === 0 ? 0 : loaded.timeWaitLeft / loaded.ever,
    'load.driver': loaded.driver,
    'load.finished': before + finished,
    'load.errors': Object.keys(failed).toSorted(),
    'load.failed': Object.values(failed).reduce((total, count) => total + count, 0),
    'load.lateUs': loaded.lateUs,
    'load.pageFaults': loaded.faults.client + loaded.faults.servers,
    'load.samples': seen.samples,
    'load.traced': seen.traced,
    'load.tracedLost': seen.lost,
  };
  const nothing = finished === 0;
  const unmeasured = nothing ? ofRequests : [];
  const absent: Record<string, UnknownFact> = Object.fromEntries(
    unmeasured.map((name) => [name, { code: 'nothing-measured', text: 'no request was answered in the window' }]),
  );
  if (bytesPerTimeWait === undefined)
    absent['memory.bytesPerTimeWait'] = {
      code: 'not-readable',
      text: 'no tw_sock_TCP in /proc/slabinfo, or it may not be read',
    };
  const sums: Record<string, number> = {};
  for (const [fact, names] of Object.entries(counted)) {
    const lacked = names.filter((name) => counters[name] === undefined);
    if (lacked.length === 0) sums[fact] = names.reduce((total, name) => total + (counters[name] ?? 0), 0);
    else absent[fact] = { code: 'no-such-counter', text: `this kernel has no counter ${lacked.join(', ')}` };
  }
  const unknown = Object.keys(absent).map((name) => [name, null] as const);
  return {
    facts: {
      ...facts,
      ...sums,
      ...(bytesPerTimeWait !== undefined && { 'memory.bytesPerTimeWait': bytesPerTimeWait }),
      ...Object.fromEntries(unknown),
    },
    unknown: absent,
  };
}

/** Sockets of a load's samples that are kept at most; without a limit a minute of looks takes gigabytes of memory. */
const mostSockets = 50_000;

/**
 * Counts what observers record of a load, and keeps only what shows the load as a whole. Events of tracepoints are counted and
 * not kept: each of ten thousands of connections has a dozen. Samples keep living sockets only: the number of TIME-WAITs is a fact.
 */
export function countingEvents(events: CellEvents): { readonly seen: Seen; readonly add: (event: Event) => void } {
  const seen = { samples: 0, traced: 0, lost: 0 };
  let sockets = 0;
  return {
    seen,
    add(event) {
      if (event.kind === 'lost') seen.lost += event.count;
      if (event.source === 'trace') seen.traced++;
      else if (event.kind === 'sample') {
        seen.samples++;
        const living = event.sockets.filter(({ state }) => state !== 'TIME-WAIT');
        sockets += living.length;
        if (sockets <= mostSockets) events.add({ ...event, sockets: living });
      } else events.add(event);
    },
  };
}
