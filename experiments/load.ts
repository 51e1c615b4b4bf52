import { against, experiment, margin, sentence } from 'lingerlab';

/** Measured in each cell, and what goes before: short, since what a machine does besides comes and goes within a second. */
const seconds = 0.2;
const warmUpSeconds = 0.06;
/** So many pairs show a difference of 5 % where one pair is off by 5 %, corrected for seven comparisons. */
const repeats = 22;

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
    (closer === 'client' ? by !== 'resetAndDestroy' : by === 'destroy'),
  network: ({ on }) => on,
  load: () => repeats,
  seconds: seconds + warmUpSeconds + 0.1,
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
      // well below what one client process gets done
      ...(arrival === 'open' && { perSecond: 5000 }),
    });
  },

  claims: [
    {
      id: 'closing-not-reuse',
      text: 'no connection failed, and none took the four numbers of one in TIME-WAIT: closing is compared, not reuse',
      source: 'what the client counted; TWRecycled, tcp_time_wait_state_process() in net/ipv4/tcp_minisocks.c',
      holds: (facts) => facts['load.failed'] === 0 && facts['load.recycled'] === 0,
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
    const cpu = (way: readonly (typeof outcomes)[number][], fact: 'cpu.usPerConnection' | 'cpu.clientUs') =>
      middle(way.map(({ facts }) => facts[fact])).toFixed(0);
    const reset = ways.find(([first]) => first?.cell.closer === 'client' && first.cell.by === 'linger-0');
    const kept = compared.find(({ name }) => name?.closer === 'neither');
    const resets = compared.find(({ name }) => name?.closer === 'client' && name.by === 'linger-0');
    const clients = outcomes.filter(({ facts }) => facts['cpu.saturated'] === 'client').length;
    const smallest = `${margin * 100} %`;
    return [
      sentence(
        `${base[0]?.cell.inFlight} in flight, a client that closes each connection with destroy() got ${Math.round(middle(ratesOf(base))).toLocaleString('en')} a second done`,
        more.length > 0 && `more were shown for ${more.join(', ')}`,
        fewer.length > 0 && `fewer for ${fewer.join(', ')}`,
        same.length > 0 &&
          `no difference of more than ${smallest} for ${same.map(({ name }) => subject(name as Cell)).join(', ')}`,
      ),
      (kept?.differs === 'more' || (reset && resets)) &&
        sentence(
          kept?.differs === 'more' &&
            `to be concluded: keep connections where the protocol allows it, which got ${kept.ratio.toFixed(1)} times as many requests done as opening and closing one for each`,
          reset &&
            resets &&
            `a reset leaves no TIME-WAIT${
              resets.differs === 'more' ? '' : ', and makes nothing faster'
            }: the client's CPU was ${cpu(reset, 'cpu.clientUs')} µs a connection where it was ${cpu(base, 'cpu.clientUs')} with a FIN, that of both ends ${cpu(reset, 'cpu.usPerConnection')} where it was ${cpu(base, 'cpu.usPerConnection')}`,
        ),
      sentence(
        `not to be concluded: what another machine gets done, or a network; both ends shared these CPUs over ${base[0]?.cell.on}`,
        clients > 0 &&
          `in ${clients} of ${outcomes.length} results the client process was at its end, so that rates say as much of Node as of the kernel`,
      ),
    ]
      .filter(Boolean)
      .join(' ');
  },
});

type Cell = { readonly closer: Closer; readonly by: Way };

const change = (ratio: number): string => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;

const subject = ({ closer, by }: Cell): string =>
  closer === 'neither'
    ? 'requests on kept connections'
    : `${closer === 'server' ? 'the server closing first, ' : ''}${named[by]}`;
