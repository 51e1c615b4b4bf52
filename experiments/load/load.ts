import {
  against,
  type Compared,
  loadExperiment,
  margin,
  median,
  othersMost,
  type Repeated,
  repeatsNeeded,
  sentence,
  share,
} from 'lingerlab';

/** Measured in each cell, and what goes before: short, since what a machine does besides comes and goes within a second. */
const seconds = 0.2;
const warmUpSeconds = 0.06;
/** So many pairs show a difference of 5 % where one pair is off by 5 %, corrected for eight comparisons. */
const repeats = 20;

/** Of an open loop: well below what one client process gets done. */
const openPerSecond = 5000;

type Closer = 'client' | 'server' | 'neither';
type Way = 'destroy' | 'end' | 'half-close' | 'linger-0' | 'resetAndDestroy' | 'linger-1' | 'no-buckets';

/** What a server engineer calls it. */
const named: Readonly<Record<Way, string>> = {
  destroy: 'closed with a FIN by destroy()',
  end: 'closed with a FIN by end(), which waits for the other end',
  'half-close': 'half-closed behind its request',
  'linger-0': 'reset by SO_LINGER 0',
  resetAndDestroy: 'reset by resetAndDestroy()',
  'linger-1': 'closed with SO_LINGER 1 s, whose close(2) blocks until the other end has acknowledged',
  'no-buckets': 'closed with a FIN, without TIME-WAIT (tcp_max_tw_buckets 0)',
};

export default loadExperiment({
  id: 'load',
  question: 'What does each way of closing cost under load?',
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
  only: ({ closer, by, inFlight, requests, bytes, servers, arrival, on }) =>
    inFlight === 32 &&
    requests === 1 &&
    bytes === 1 &&
    servers === 1 &&
    arrival === 'closed' &&
    on === 'loopback' &&
    (closer === 'client' ? by !== 'resetAndDestroy' : by === 'destroy' || (closer === 'server' && by === 'linger-0')),
  network: ({ on }) => on,
  load: {
    repeats,
    baseline: { closer: 'client', by: 'destroy' },
    counts: (facts) => facts['cpu.othersShare'] <= othersMost,
  },
  seconds: seconds + warmUpSeconds + 0.03,
  sysctls: ({ by }) => ({ 'net.ipv4.tcp_max_tw_buckets': by === 'no-buckets' ? 0 : 262_144 }),
  shows: ['rate.perSecond', 'latency.p50Us', 'latency.p99Us', 'cpu.usPerConnection', 'timeWait.peak', 'cpu.saturated'],

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
      text: 'no connection failed, and none took the four numbers of one in TIME-WAIT: closing is compared, not reuse',
      source: 'what the client counted; TWRecycled, __inet_check_established() in net/ipv4/inet_hashtables.c',
      holds: (facts) => facts['load.failed'] === 0 && facts['load.recycled'] === 0,
    },
    {
      id: 'each-leaves-one',
      text: 'each connection that is closed with a FIN leaves one TIME-WAIT, which is still there when the load is over',
      source:
        'tcp_time_wait(), tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c. Tolerance: 1 in 100; of 2,000 closes about one loses it to an acknowledgement that comes late (the experiment time-wait-assassination)',
      when: ({ closer, by }) => closer !== 'neither' && ['destroy', 'end', 'half-close', 'linger-1'].includes(by),
      holds: (facts) => Math.abs(facts['timeWait.each'] - 1) <= 0.01,
    },
    {
      id: 'reset-leaves-none',
      text: 'a connection that is reset leaves no TIME-WAIT, and with tcp_max_tw_buckets 0 none is left either',
      source: '__tcp_close(): tcp_disconnect(); tcp_time_wait() in net/ipv4/tcp_minisocks.c: TCPTimeWaitOverflow',
      when: ({ closer, by }) => closer !== 'neither' && ['linger-0', 'resetAndDestroy', 'no-buckets'].includes(by),
      holds: (facts) => facts['timeWait.peak'] === 0,
    },
  ],

  answer(outcomes, compared) {
    const quiet = outcomes.filter(({ facts }) => facts['cpu.othersShare'] <= othersMost);
    const settings = [...Map.groupBy(quiet, ({ cell }) => settingOf(cell))]
      .map(([setting, own]) => waysIn(setting, own, compared))
      .filter(({ base }) => base.length > 0);
    const [first] = settings;
    const left = outcomes.length - quiet.length;
    const others =
      left > 0 &&
      sentence(
        `${share(left, outcomes)} results are left out: others took more than ${othersMost * 100} % of the machine; run it again when it is quiet`,
      );
    if (!first)
      return [sentence(quiet.length > 0 && 'there is no client that closes with destroy() to compare with'), others]
        .filter(Boolean)
        .join(' ');
    const clients = quiet.filter(({ facts }) => facts['cpu.saturated'] === 'client').length;
    return [
      ...settings.slice(0, mostSettings).map(inWords),
      settings.length > mostSettings && sentence(`of ${settings.length - mostSettings} more settings the report tells`),
      toConclude(first),
      sentence(
        'not to be concluded: what another machine gets done, or a network; both ends shared these CPUs',
        clients > 0 &&
          `in ${share(clients, quiet)} results the client process was at its end, so that rates say as much of Node as of the kernel`,
      ),
      others,
    ]
      .filter(Boolean)
      .join(' ');
  },
});

interface Cell {
  readonly closer: Closer;
  readonly by: Way;
  readonly inFlight: number;
  readonly requests: number;
  readonly bytes: number;
  readonly servers: number;
  readonly arrival: string;
  readonly on: string;
}
interface Outcome {
  readonly cell: Cell;
  readonly repeat: number;
  readonly facts: Readonly<
    Record<'rate.perSecond' | 'cpu.clientUs' | 'cpu.serverUs' | 'cpu.othersShare', number> & { 'cpu.saturated': string }
  >;
}

/** More than these are for a table. */
const mostSettings = 4;

/** All but how connections are closed, as far as it is not what is usual. */
const settingOf = ({ inFlight, requests, bytes, servers, arrival, on }: Cell): string =>
  [
    `${inFlight} in flight`,
    requests > 1 && `${requests} requests on each connection`,
    bytes > 1 && `${bytes.toLocaleString('en')} bytes each way`,
    servers > 1 && `${servers} servers`,
    arrival === 'open' && `${openPerSecond.toLocaleString('en')} connections due a second`,
    on !== 'loopback' && `over ${on}`,
  ]
    .filter(Boolean)
    .join(', ');

const ratesOf = (way: readonly Outcome[]): Repeated =>
  new Map(way.map(({ repeat, facts }) => [repeat, facts['rate.perSecond']]));
const isWay = (closer: Closer, by: Way) => (cell: Cell) => cell.closer === closer && cell.by === by;

/** The client that closes with destroy(), and the others against it. */
function waysIn(setting: string, outcomes: readonly Outcome[], compared: readonly Compared<Cell>[]) {
  const of = (matches: (cell: Cell) => boolean) => outcomes.filter(({ cell }) => matches(cell));
  const base = of(isWay('client', 'destroy'));
  return { setting, of, base, compared: compared.filter(({ cell }) => settingOf(cell) === setting) };
}
type Ways = ReturnType<typeof waysIn>;

function inWords({ setting, base, compared }: Ways): string {
  const those = (differs: string) =>
    compared
      .filter((each) => each.differs === differs)
      .map(({ cell, ratio, low, high }) => `${subject(cell)} ${change(ratio)}${interval(low, high)}`)
      .join(', ');
  const [more, fewer, alike, open] = ['more', 'fewer', 'alike', 'not shown'].map(those);
  const needed = repeatsNeeded(compared.length);
  return sentence(
    `${setting}, a client that closes each connection with destroy() got ${Math.round(median([...ratesOf(base).values()])).toLocaleString('en')} requests a second done`,
    more && `more were shown for ${more}`,
    fewer && `fewer for ${fewer}`,
    alike && `as many, by ${margin * 100} %, for ${alike}`,
    open && `it is open for ${open}`,
    open &&
      base.length < needed &&
      `${base.length} repeats show nothing of ${compared.length} ways: --repeat ${needed}`,
  );
}

const resets = {
  more: 'was faster than a FIN',
  fewer: 'was slower than a FIN',
  alike: 'was as fast as a FIN',
  'not shown': 'was not shown to be faster or slower than a FIN',
} as const;

/** What a reset does where this end closes first. */
function ofReset(end: 'client' | 'server', { of, compared }: Ways): string | false {
  const [fin, reset] = (['destroy', 'linger-0'] as const).map((by) => of(isWay(end, by)));
  if (!fin || !reset || fin.length === 0 || reset.length === 0) return false;
  const [found] =
    end === 'client'
      ? compared.filter(({ cell }) => isWay(end, 'linger-0')(cell))
      : against(ratesOf(fin), [{ name: end, values: ratesOf(reset) }]);
  if (!found) return false;
  const cpu = (way: readonly Outcome[], fact: 'cpu.clientUs' | 'cpu.serverUs') =>
    median(way.map(({ facts }) => facts[fact])).toFixed(0);
  const costs = (fact: 'cpu.clientUs' | 'cpu.serverUs') => `${cpu(reset, fact)} µs of CPU instead of ${cpu(fin, fact)}`;
  return `of the ${end} a reset ${resets[found.differs]} (${change(found.ratio)}${interval(found.low, found.high)}), and cost the client ${costs('cpu.clientUs')}, the server ${costs('cpu.serverUs')}`;
}

/** What whoever runs a server can take from it. */
function toConclude(ways: Ways): string | false {
  const kept = ways.compared.find(({ cell, differs }) => cell.closer === 'neither' && differs === 'more');
  const parts = [
    kept &&
      `keep connections where the protocol allows it, which got ${kept.ratio.toFixed(1)} times as many requests done as one connection for each`,
    ofReset('client', ways),
    ofReset('server', ways),
  ].filter((part) => typeof part === 'string');
  return parts.length > 0 && sentence(`to be concluded: ${parts.join('; ')}`);
}

const interval = (low: number, high: number): string =>
  Number.isFinite(high) ? ` (${change(low)} to ${change(high)})` : '';

const change = (ratio: number): string => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;

const subject = ({ closer, by }: Pick<Cell, 'closer' | 'by'>): string =>
  closer === 'neither'
    ? 'requests on kept connections'
    : `${closer === 'server' ? 'the server closing first, ' : ''}${named[by]}`;
