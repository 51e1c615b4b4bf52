import { type Compared, finding, loadExperiment, margin, othersMost, range, repeatsNeeded, share } from 'lingerlab';

/** Time measured in each result, and the warm-up before it: short, since other work on a machine comes and goes within a second. */
const seconds = 0.1;
const warmUpSeconds = 0.03;
/** With the start of the processes, the whole takes less than a minute. */
const until = { within: 0.03, seconds: 50 };
/** More than the time allows for each of the ways; one that needs fewer leaves its time to the others. */
const repeats = 30;

/** Connections per second that are due in an open loop: well below the most of one client process. */
const openPerSecond = 5000;

type Closer = 'client' | 'server' | 'neither';
type Way = 'destroy' | 'end' | 'half-close' | 'linger-0' | 'resetAndDestroy' | 'linger-1' | 'no-buckets';

/** Under what else a way of closing is measured. */
interface Conditions {
  readonly inFlight: number;
  readonly requests: number;
  readonly bytes: number;
  readonly servers: number;
  readonly arrival: string;
  readonly on: string;
}
const usual: Conditions = { inFlight: 32, requests: 1, bytes: 1, servers: 1, arrival: 'closed', on: 'loopback' };

/** How many conditions are not the usual ones. */
const varied = (conditions: Conditions): number =>
  (Object.keys(usual) as (keyof Conditions)[]).filter((name) => conditions[name] !== usual[name]).length;

/** Of what was measured, what was under the usual conditions; all where nothing was. */
function usualOf<T extends { readonly cell: Conditions }>(measured: readonly T[]): readonly T[] {
  const own = measured.filter(({ cell }) => varied(cell) === 0);
  return own.length > 0 ? own : measured;
}

/** What the text of a finding calls it. */
const named: Readonly<Record<Way, string>> = {
  destroy: 'destroy(), which sends a FIN',
  end: "end(), which waits for the other end's FIN",
  'half-close': 'a half-close after the request',
  'linger-0': 'SO_LINGER 0, which sends a RST',
  resetAndDestroy: 'resetAndDestroy(), which sends a RST',
  'linger-1': 'SO_LINGER 1, which waits for the ACK of the FIN',
  'no-buckets': 'tcp_max_tw_buckets 0, which leaves no TIME-WAIT',
};

/** A way without what it does: a headline has little room. */
const shortName = (way: Way): string => named[way].split(',')[0] ?? way;

/**
 * Other programs take CPU time from both windows of a pair, and what is compared is by CPU time: beside a program that takes 30 % of a
 * CPU at random, five runs agreed. Of a window from which others took more than this share of the machine too little is left.
 */
const crowded = 0.5;

export default loadExperiment({
  id: 'load',
  question: 'Which way of closing costs how much under load?',
  tags: [
    'benchmark',
    'throughput',
    'connections per second',
    'keep-alive',
    'linger 0',
    'tcp_max_tw_buckets',
    'latency',
    'CPU',
  ],
  symptoms: [
    'is linger 0 faster',
    'cost of a connection per request',
    'thousands of TIME_WAIT under load',
    'performance of closing',
  ],
  factors: {
    closer: ['client', 'server', 'neither'],
    by: ['destroy', 'end', 'half-close', 'linger-0', 'linger-1', 'no-buckets', 'resetAndDestroy'],
    inFlight: [1, 8, 32, 128],
    requests: [1, 10, 100],
    bytes: [1, 10_000],
    servers: [1, 2],
    arrival: ['closed', 'open'],
    on: ['loopback', 'veth'],
  },
  words: {
    closer: {
      text: 'which end closes each connection first',
      values: {
        client: 'the client',
        server: 'the server',
        neither: 'neither: keep-alive, all requests use the same connections',
      },
    },
    by: { text: 'how that end closes', values: named },
    inFlight: {
      text: 'connections that the client keeps in flight',
      values: { 1: 'one after the other', 8: 'eight at once', 32: '32 at once', 128: '128 at once' },
    },
    requests: {
      text: 'requests on each connection that an end closes; keep-alive (closer=neither) has no such limit',
      values: { 1: 'one', 10: 'ten, one after the other', 100: 'a hundred, one after the other' },
    },
    bytes: { text: 'bytes of each request and response', values: { 1: 'one', '10000': 'ten thousand' } },
    servers: {
      text: 'server processes on the port',
      values: { 1: 'one', 2: 'two, with SO_REUSEPORT' },
    },
    arrival: {
      text: 'when the client begins a connection',
      values: {
        closed: 'as soon as another one is over (closed loop)',
        open: `${openPerSecond.toLocaleString('en')} times per second (open loop)`,
      },
    },
    on: { text: 'network', values: { loopback: 'loopback', veth: 'a veth pair between two namespaces' } },
  },
  only: ({ closer, by, ...conditions }) =>
    varied(conditions) === 0 &&
    (closer === 'client' ? by !== 'resetAndDestroy' : by === 'destroy' || (closer === 'server' && by === 'linger-0')),
  // keep-alive closes nothing while it is measured: it has no number of requests on a connection, and none that are due
  valid: ({ closer, by, requests, arrival }) =>
    closer !== 'neither' || (by === 'destroy' && requests === usual.requests && arrival === 'closed'),
  // to vary everything at once takes two hours
  whenNamed: (cell) => varied(cell) > 1,
  network: ({ on }) => on,
  load: {
    repeats,
    until,
    baseline: { closer: 'client', by: 'destroy' },
    compares: 'rate.perCpuSecond',
    counts: (facts) => facts['cpu.othersShare'] <= crowded,
  },
  seconds: seconds + warmUpSeconds + 0.03,
  sysctls: ({ by }) => ({ 'net.ipv4.tcp_max_tw_buckets': by === 'no-buckets' ? 0 : 262_144 }),
  shows: [
    'rate.perCpuSecond',
    'rate.perSecond',
    'latency.p50Us',
    'latency.p99Us',
    'cpu.usPerConnection',
    'timeWait.peak',
    'cpu.saturated',
  ],

  async scenario({ load }, { closer, by, inFlight, requests, bytes, servers, arrival }) {
    await load({
      closer,
      by: by === 'no-buckets' ? 'destroy' : by,
      inFlight,
      requests,
      requestBytes: bytes,
      responseBytes: bytes,
      seconds,
      warmUpSeconds,
      servers,
      ...(arrival === 'open' && { perSecond: openPerSecond }),
    });
  },

  claims: [
    {
      id: 'closing-not-reuse',
      text: 'no connection failed, and none reused the addresses and ports of one in TIME-WAIT: closing is compared, not reuse',
      source: 'what the client counted; TWRecycled, __inet_check_established() in net/ipv4/inet_hashtables.c',
      holds: (facts) => facts['load.failed'] === 0 && facts['load.recycled'] === 0,
    },
    {
      id: 'each-leaves-one',
      text: 'each connection that is closed with a FIN leaves one TIME-WAIT, which has not expired at the end of the load',
      source:
        'tcp_time_wait(), tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c. Tolerance: 1 in 100; of 2,000 closes about one loses it to an acknowledgement that comes late (the experiment time-wait-assassination)',
      when: ({ closer, by }) => closer !== 'neither' && ['destroy', 'end', 'half-close', 'linger-1'].includes(by),
      holds: (facts) => Math.abs(facts['timeWait.each'] - 1) <= 0.01,
    },
    {
      id: 'reset-leaves-none',
      text: 'a connection that is reset leaves no TIME-WAIT, and neither does one with tcp_max_tw_buckets 0',
      source: '__tcp_close(): tcp_disconnect(); tcp_time_wait() in net/ipv4/tcp_minisocks.c: TCPTimeWaitOverflow',
      when: ({ closer, by }) => closer !== 'neither' && ['linger-0', 'resetAndDestroy', 'no-buckets'].includes(by),
      holds: (facts) => facts['timeWait.peak'] === 0,
    },
  ],

  guide: [
    {
      about: { 'thousands of TIME-WAIT': 'look at', 'closing order': 'costs' },
      claim: 'each-leaves-one',
      text: 'Under load, each connection that is closed with a FIN leaves one TIME-WAIT.',
    },
  ],
  rates: [
    {
      id: 'keep-alive-saves-cpu',
      about: { 'closing order': 'measured', 'thousands of TIME-WAIT': 'helps', 'EADDRNOTAVAIL on connect': 'helps' },
      compared: ({ cell }) => varied(cell) === 0 && cell.closer === 'neither',
      holds: ({ differs }) => differs === 'more',
      text: 'Keep connections open: with the same CPU, keep-alive serves {number} as many requests as a new connection for each request (loopback).',
    },
    {
      id: 'reset-saves-no-cpu',
      about: { SO_LINGER: 'measured' },
      compared: ({ cell }) => varied(cell) === 0 && cell.closer === 'client' && cell.by === 'linger-0',
      holds: ({ differs }) => differs !== 'more',
      text: 'A client that resets with SO_LINGER 0 saves no CPU: with the same CPU, {number} as many requests as one that sends a FIN (loopback).',
    },
    {
      id: 'waiting-takes-cpu',
      about: { SO_LINGER: 'costs' },
      compared: ({ cell }) => varied(cell) === 0 && cell.closer === 'client' && cell.by === 'linger-1',
      holds: ({ differs }) => differs === 'fewer',
      text: 'A client that closes with SO_LINGER 1 takes more CPU: with the same CPU, {number} as many requests as one with SO_LINGER off (loopback).',
    },
    {
      id: 'no-time-wait-saves-no-cpu',
      about: { tcp_max_tw_buckets: 'measured' },
      compared: ({ cell }) => varied(cell) === 0 && cell.by === 'no-buckets',
      holds: ({ differs }) => differs !== 'more',
      text: 'tcp_max_tw_buckets 0, which leaves no TIME-WAIT, saves no significant CPU: with the same CPU, {number} as many requests (loopback).',
    },
  ],

  // under other conditions the ways may differ otherwise: the table has those
  answer(all, allCompared) {
    const outcomes = usualOf(all);
    const compared = usualOf(allCompared);
    const quiet = outcomes.filter(({ facts }) => facts['cpu.othersShare'] <= othersMost);
    const results = ({ closer, by }: Pick<Cell, 'closer' | 'by'>) =>
      outcomes.filter(
        ({ cell, facts }) => cell.closer === closer && cell.by === by && facts['cpu.othersShare'] <= crowded,
      );
    const reset = compared.filter(({ cell }) => cell.closer === 'client' && cell.by === 'linger-0');
    const others = compared.filter((each) => each.cell.closer !== 'neither' && !reset.includes(each));
    const [extreme] = others
      .filter(({ differs }) => differs === 'more' || differs === 'fewer')
      .toSorted((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)));
    const bound = quiet.filter(({ facts }) => facts['cpu.saturated'] !== 'nobody');
    const boundOf = [...Map.groupBy(bound, ({ facts }) => facts['cpu.saturated'])]
      .toSorted(([, a], [, b]) => b.length - a.length)
      .map(([what, own]) => `${parts[what]} in ${own.length}`);
    return {
      headline:
        outcomes.length > 0 && outcomes.every(({ facts }) => facts['cpu.othersShare'] > crowded)
          ? 'Other processes took too much of the machine: run this again when it is quiet.'
          : toDo(compared, Math.max(...outcomes.map(({ repeat }) => repeat))),
      findings: [
        reset.length > 0 &&
          finding(
            changes(reset),
            `If the client closes by SO_LINGER 0 instead of by destroy(), ${served(reset)}.`,
            results({ closer: 'client', by: 'linger-0' }),
          ),
        extreme &&
          finding(
            changes([extreme]),
            `If the ${extreme.cell.closer} closes by ${named[extreme.cell.by]}, instead of ${extreme.cell.closer === 'client' ? '' : 'the client '}by destroy(), ${served([extreme])}.`,
            results(extreme.cell),
          ),
        bound.length > 0 &&
          finding(
            share(bound, quiet),
            `Where others took less than ${othersMost * 100} % of the CPUs, something was CPU-bound in ${bound.length} of ${quiet.length} results: ${boundOf.join(', ')}.`,
          ),
      ],
    };
  },
});

interface Cell extends Conditions {
  readonly closer: Closer;
  readonly by: Way;
}
type Against = Compared<Cell>;

/** The one thing to do, after so many repeats; false where there is nothing to compare. */
function toDo(compared: readonly Against[], repeat: number): string | false {
  if (compared.length === 0) return false;
  const kept = compared.filter(({ cell }) => cell.closer === 'neither');
  const cheaper = kept.filter(({ differs }) => differs === 'more');
  if (cheaper.length > 0)
    return cheaper.length === kept.length
      ? `Keep connections open: keep-alive served ${times(cheaper)} the requests with the same CPU (loopback).`
      : `Measure before you keep connections open: keep-alive saves CPU in ${share(cheaper, kept)} settings only.`;
  const needed = repeatsNeeded(compared.length);
  const open = compared.filter(({ differs, pairs }) => differs === 'not shown' && pairs < needed);
  if (open.length === compared.length || kept.some((each) => open.includes(each)))
    return repeat < needed
      ? `Too few repeats to tell the ways of closing apart: run this with --repeat ${needed}.`
      : 'Too few repeats could be compared beside other programs: run this again when it is quiet.';
  if (kept.length > 0) return 'Measure before you keep connections open: keep-alive saves no significant CPU here.';
  const [best] = compared.filter(({ differs }) => differs === 'more').toSorted((a, b) => b.ratio - a.ratio);
  if (best)
    return `Close at the ${best.cell.closer} by ${shortName(best.cell.by)}: ${changes([best])} requests with the same CPU.`;
  const [worst] = compared.filter(({ differs }) => differs === 'fewer').toSorted((a, b) => a.ratio - b.ratio);
  if (worst)
    return `Do not close at the ${worst.cell.closer} by ${shortName(worst.cell.by)}: ${changes([worst])} requests with the same CPU.`;
  return 'Choose a way of closing for what it does: no way takes significantly more or less CPU.';
}

const servedWords = {
  more: 'the same CPU serves more requests',
  fewer: 'the same CPU serves fewer requests',
  alike: `the same CPU serves as many requests, within ${margin * 100} %`,
} as const;

/** What the same way comes to in one or more settings. */
function served(ways: readonly Against[]): string {
  const [first, ...more] = new Set(ways.map(({ differs }) => differs));
  if (first === undefined || more.length > 0)
    return `the same CPU serves more or fewer requests, by the setting: ${changes(ways)}`;
  return first === 'not shown'
    ? `requests for the same CPU change by ${changes(ways)}, too uncertain to count as a difference`
    : `${servedWords[first]}: ${changes(ways)}`;
}

/** What was CPU-bound, in a sentence. */
const parts = {
  client: 'the client',
  server: 'a server',
  kernel: 'the kernel',
  others: 'other programs',
  nobody: 'nothing',
} as const;

const times = (ways: readonly Against[]): string =>
  range(
    ways.map(({ ratio }) => ratio),
    { digits: 1, unit: '×' },
  );
const changes = (ways: readonly Against[]): string =>
  range(
    ways.map(({ ratio }) => (ratio - 1) * 100),
    { digits: 1, unit: '%' },
  ).replaceAll('-', '−');
