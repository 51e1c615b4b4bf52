import { against, experiment, kind, sentence } from 'lingerlab';

/** Measured in each cell, and what goes before. */
const seconds = 0.4;
const warmUpSeconds = 0.25;
/** Of 10 pairs, one or two that go the other way by little do not hide a difference, corrected for seven comparisons. */
const repeats = 10;
/** Enough for 10 s at 28,000 connections a second: each has 28,232 ports of the default range. */
const addresses = 10;

type Closer = 'client' | 'server' | 'neither';
type Way = 'destroy' | 'end' | 'half-close' | 'linger-0' | 'resetAndDestroy' | 'linger-1' | 'no-buckets';

/** What a server engineer calls it. */
const named: Readonly<Record<Way, string>> = {
  destroy: 'closed with a FIN by destroy()',
  end: 'closed with a FIN by end(), which waits for the other end',
  'half-close': 'half-closed behind its request',
  'linger-0': 'reset by SO_LINGER 0',
  resetAndDestroy: 'reset by resetAndDestroy()',
  'linger-1': 'closed with SO_LINGER 1 s',
  'no-buckets': 'closed with a FIN, without TIME-WAIT (tcp_max_tw_buckets 0)',
};

export default experiment({
  id: 'load',
  question: 'What does each way of closing cost under load?',
  group: 'Load',
  factors: {
    closer: ['client', 'server', 'neither'],
    by: ['destroy', 'end', 'half-close', 'linger-0', 'linger-1', 'no-buckets', 'resetAndDestroy'],
    inFlight: [1, 8, 32, 128],
    bytes: [1, 10_000],
    servers: [1, 2],
    arrival: ['closed', 'open'],
    driver: ['loop', 'tinybench'],
    on: ['loopback', 'veth'],
  },
  only: ({ closer, by, inFlight, bytes, servers, arrival, driver, on }) =>
    driver === 'loop' &&
    inFlight === 32 &&
    bytes === 1 &&
    servers === 1 &&
    arrival === 'closed' &&
    on === 'loopback' &&
    (closer === 'client' ? by !== 'resetAndDestroy' : by === 'destroy'),
  network: ({ on }) => on,
  load: () => repeats,
  seconds: seconds + warmUpSeconds + 0.25,
  sysctls: ({ by }) => ({ 'net.ipv4.tcp_max_tw_buckets': by === 'no-buckets' ? 0 : 262_144 }),
  measures: {
    'rate.perSecond': kind.count({
      compare: 'measurement',
      text: 'connections that were over for the client, or requests on kept ones, a second',
    }),
    'rate.series': kind.series('count', { text: 'the same, of each tenth of a second' }),
    'latency.p50Us': kind.us({ text: 'half of them were over within this time of being begun, or due' }),
    'latency.p99Us': kind.us({ text: '99 % of them were' }),
    'latency.series': kind.series('us', { text: 'the median of each tenth of a second' }),
    'cpu.usPerConnection': kind.us({
      text: 'CPU of both processes for one of them, with what the kernel does in their name',
    }),
    'cpu.clientUs': kind.us({ text: "the client process's part of it" }),
    'cpu.softirqUs': kind.us({ text: "the machine's softirqs for one of them, by its tick-based accounts" }),
    saturated: {
      ...kind.word('client', 'server', 'kernel', 'nobody'),
      compare: 'measurement',
      text: 'who had no more CPU to give: a process that used 90 % of one, or a machine without 10 % idle',
    },
    'timeWait.peak': kind.count({ compare: 'measurement', text: 'most TIME-WAITs at once in the window' }),
    'timeWait.series': kind.series('count', { text: 'TIME-WAITs, every 50 ms' }),
    'timeWait.each': kind.count({
      compare: 'measurement',
      text: 'by how many TIME-WAITs their number grew in the window, for each connection that was over in it',
    }),
    'memory.bytesPerTimeWait': kind.bytes({ text: 'what the kernel takes for one: its slab object' }),
    failed: kind.count({ text: 'connections that failed in the window' }),
    recycled: kind.count({ text: 'TIME-WAITs in the window whose four numbers a new connection took' }),
    retransmits: kind.count({ compare: 'measurement', text: 'segments sent again in the window' }),
  },
  shows: ['rate.perSecond', 'latency.p50Us', 'latency.p99Us', 'cpu.usPerConnection', 'timeWait.peak', 'saturated'],

  async scenario({ load, note }, { closer, by, inFlight, bytes, servers, arrival, driver }) {
    const done = await load({
      closer,
      by: by === 'no-buckets' ? 'destroy' : by,
      inFlight: driver === 'tinybench' ? 1 : inFlight,
      driver,
      requestBytes: bytes,
      responseBytes: bytes,
      seconds,
      warmUpSeconds,
      servers,
      addresses,
      // well below what one client process gets done
      ...(arrival === 'open' && { perSecond: 5000 }),
    });
    const usEach = (used: number) => (used * 1e6) / done.finished;
    note('rate.perSecond', done.perSecond);
    note(
      'rate.series',
      done.intervals.map(({ perSecond }) => perSecond),
    );
    note('latency.p50Us', done.latency.p50Us);
    note('latency.p99Us', done.latency.p99Us);
    note(
      'latency.series',
      done.intervals.map(({ p50Us }) => p50Us),
    );
    note('cpu.usPerConnection', usEach(done.used.client + done.used.servers));
    note('cpu.clientUs', usEach(done.used.client));
    note('cpu.softirqUs', usEach(done.used.softirq));
    note('saturated', done.saturated);
    note(
      'timeWait.series',
      done.timeWait.map(({ count }) => count),
    );
    note('timeWait.peak', Math.max(0, ...done.timeWait.map(({ count }) => count)));
    note('timeWait.each', done.timeWaitGrown / done.finished);
    if (done.bytesPerTimeWait !== undefined) note('memory.bytesPerTimeWait', done.bytesPerTimeWait);
    note(
      'failed',
      Object.values(done.failed).reduce((total, count) => total + count, 0),
    );
    note('recycled', done.counters['TcpExt.TWRecycled'] ?? 0);
    note('retransmits', done.counters['Tcp.RetransSegs'] ?? 0);
  },

  claims: [
    {
      id: 'closing-not-reuse',
      text: 'no connection failed, and none took the four numbers of one in TIME-WAIT: closing is compared, not reuse',
      source: 'what the client counted; TWRecycled, tcp_time_wait_state_process() in net/ipv4/tcp_minisocks.c',
      holds: (facts) => facts.failed === 0 && facts.recycled === 0,
    },
    {
      id: 'each-leaves-one',
      text: 'each connection that is closed with a FIN leaves one TIME-WAIT for 60 s',
      source:
        'tcp_time_wait() in net/ipv4/tcp_minisocks.c. Tolerance: 0.1, what is closed in the ms between the end of the window and the look',
      when: ({ closer, by }) => closer !== 'neither' && ['destroy', 'end', 'half-close', 'linger-1'].includes(by),
      holds: (facts) => Math.abs(facts['timeWait.each'] - 1) <= 0.1,
    },
    {
      id: 'reset-leaves-none',
      text: 'one that is reset leaves none, and with tcp_max_tw_buckets 0 none is left either',
      source: '__tcp_close(): tcp_disconnect(); tcp_time_wait() in net/ipv4/tcp_minisocks.c: TCPTimeWaitOverflow',
      when: ({ closer, by }) => closer !== 'neither' && ['linger-0', 'resetAndDestroy', 'no-buckets'].includes(by),
      holds: (facts) => facts['timeWait.peak'] === 0,
    },
  ],

  answer(outcomes) {
    const ways = [...Map.groupBy(outcomes, ({ cell }) => JSON.stringify(cell)).values()];
    const ratesOf = (way: readonly (typeof outcomes)[number][]) =>
      way.toSorted((a, b) => a.repeat - b.repeat).map(({ facts }) => facts['rate.perSecond']);
    const base = ways.find(([first]) => first?.cell.closer === 'client' && first.cell.by === 'destroy');
    if (!base)
      return sentence(
        ways.length > 0 && `${ways.length} ways were measured, but not the client that closes with destroy()`,
      );
    const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
    const compared = against(
      ratesOf(base),
      ways.filter((way) => way !== base).map((way) => ({ name: way[0]?.cell, values: ratesOf(way) })),
    );
    const wordsOf = (differs: string) =>
      compared
        .filter((each) => each.differs === differs)
        .map(
          ({ name, ratio, low, high }) =>
            `${subject(name as Cell)} ${change(ratio)} (${change(low)} to ${change(high)})`,
        );
    const [more, fewer, same] = [
      wordsOf('more'),
      wordsOf('fewer'),
      compared.filter(({ differs }) => differs === 'not shown'),
    ];
    const clients = outcomes.filter(({ facts }) => facts.saturated === 'client').length;
    return sentence(
      `${base[0]?.cell.inFlight} in flight, a client that closes each connection with destroy() got ${Math.round(middle(ratesOf(base))).toLocaleString('en')} a second done`,
      more.length > 0 && `more were shown for ${more.join(', ')}`,
      fewer.length > 0 && `fewer for ${fewer.join(', ')}`,
      same.length > 0 && `no difference for ${same.map(({ name }) => subject(name as Cell)).join(', ')}`,
      clients > 0 &&
        `in ${clients} of ${outcomes.length} results the client process was at its end, so that these say as much of Node as of the kernel`,
    );
  },
});

type Cell = { readonly closer: Closer; readonly by: Way };

const change = (ratio: number): string => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;

const subject = ({ closer, by }: Cell): string =>
  closer === 'neither'
    ? 'requests on kept connections'
    : `${closer === 'server' ? 'the server closing first, ' : ''}${named[by]}`;
