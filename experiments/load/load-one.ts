import { finding, loadExperiment, median, range, share } from 'lingerlab';

const seconds = 0.5;

/** What the text of a finding calls it. */
const named = {
  destroy: 'destroy(), which sends a FIN',
  end: "end(), which waits for the other end's FIN",
  'half-close': 'a half-close after the request',
  'linger-0': 'SO_LINGER 0, which sends a RST',
  resetAndDestroy: 'resetAndDestroy(), which sends a RST',
} as const;

export default loadExperiment({
  id: 'load-one',
  question: 'How long does one connection at a time take, and what does timing each one add?',
  tags: ['latency', 'benchmark', 'connections per second', 'tinybench', 'linger 0', 'destroy()'],
  symptoms: ['how long does one connection take', 'time to connect and close'],
  whenNamed: true,
  factors: {
    by: ['destroy', 'end', 'half-close', 'linger-0', 'resetAndDestroy'],
    driver: ['loop', 'tinybench'],
  },
  words: {
    by: { text: 'how the client, which closes first, closes', values: named },
    driver: {
      text: 'what begins one connection after the other',
      values: { loop: 'a plain loop', tinybench: 'tinybench, which times each connection by itself' },
    },
  },
  load: { repeats: 7, baseline: { driver: 'loop' } },
  seconds: seconds + 0.3,
  sysctls: () => ({ 'net.ipv4.tcp_max_tw_buckets': 262_144 }),
  shows: ['rate.perSecond', 'latency.p50Us', 'latency.p99Us', 'cpu.clientUs', 'cpu.saturated'],

  async scenario({ load }, { by, driver }) {
    await load({ by, driver, inFlight: 1, seconds, warmUpSeconds: 0.25 });
  },

  claims: [
    {
      id: 'one-at-a-time',
      text: 'no connection failed, and each connection that was closed with a FIN left one TIME-WAIT',
      source:
        'what the client counted; tcp_time_wait() in net/ipv4/tcp_minisocks.c. Tolerance: 1 in 100; of 2,000 closes about one loses it to an acknowledgement that comes late (the experiment time-wait-assassination)',
      holds: (facts, { by }) =>
        facts['load.failed'] === 0 &&
        Math.abs(facts['timeWait.each'] - (by === 'linger-0' || by === 'resetAndDestroy' ? 0 : 1)) <= 0.01,
    },
  ],

  answer(outcomes, compared) {
    const plain = outcomes.filter(({ cell }) => cell.driver === 'loop');
    const ways = [...Map.groupBy(plain, ({ cell }) => cell.by)]
      .map(([by, own]) => ({ by, own, us: Math.round(median(own.map(({ facts }) => facts['latency.p50Us']))) }))
      .toSorted((a, b) => a.us - b.us);
    const [fastest, slowest] = [ways[0], ways.at(-1)];
    const shown = compared.filter(({ differs }) => differs === 'more' || differs === 'fewer');
    const changes = compared.map(({ ratio }) => (ratio - 1) * 100);
    const change = changes.length > 0 ? range(changes, { digits: 1, unit: '%' }).replaceAll('-', '−') : '';
    return {
      headline:
        fastest &&
        slowest &&
        `One connection at a time takes ${range([fastest.us, slowest.us], { unit: 'µs' })}${fastest.us < slowest.us ? ', depending on how the client closes it' : ''}.`,
      findings: [
        fastest &&
          finding(`${fastest.us} µs`, `Median of the fastest way to close: ${named[fastest.by]}.`, fastest.own),
        slowest &&
          finding(`${slowest.us} µs`, `Median of the slowest way to close: ${named[slowest.by]}.`, slowest.own),
        compared.length > 0 &&
          finding(
            change,
            `tinybench, which times each connection by itself, changes the rate by this much; the change is significant in ${share(shown, compared)} ways.`,
            outcomes,
          ),
      ],
    };
  },
});
