import { loadExperiment, median, sentence } from 'lingerlab';

const seconds = 0.5;

/** The rate with tinybench's own work. */
const words = {
  more: 'which got more of them done',
  fewer: 'which got fewer of them done',
  alike: 'which got as many done',
  'not shown': 'which is not shown to get more or fewer done',
} as const;

export default loadExperiment({
  id: 'load-one',
  question: 'What does one connection after the other take, and what does timing each by itself add?',
  tags: ['latency', 'benchmark', 'connections per second', 'tinybench', 'linger 0', 'destroy()'],
  symptoms: ['how long does one connection take', 'time to connect and close'],
  whenNamed: true,
  factors: {
    by: ['destroy', 'end', 'half-close', 'linger-0', 'resetAndDestroy'],
    driver: ['loop', 'tinybench'],
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
      text: 'no connection failed, and each one closed with a FIN left one TIME-WAIT',
      source:
        'what the client counted; tcp_time_wait() in net/ipv4/tcp_minisocks.c. Tolerance: 1 in 100; of 2,000 closes about one loses it to an acknowledgement that comes late (the experiment time-wait-assassination)',
      holds: (facts, { by }) =>
        facts['load.failed'] === 0 &&
        Math.abs(facts['timeWait.each'] - (by === 'linger-0' || by === 'resetAndDestroy' ? 0 : 1)) <= 0.01,
    },
  ],

  answer(outcomes, compared) {
    const ways = [...Map.groupBy(outcomes, ({ cell }) => cell.by)];
    const of = (own: typeof outcomes, driver: string) => own.filter(({ cell }) => cell.driver === driver);
    return sentence(
      ...ways.map(([by, own]) => {
        const [plain, timed] = [of(own, 'loop'), of(own, 'tinybench')];
        const [latency, byTinybench] = [plain, timed].map((some) =>
          some.length === 0 ? undefined : median(some.map(({ facts }) => facts['latency.p50Us'])),
        );
        if (latency === undefined) return false;
        const slower = compared.find(({ cell }) => cell.by === by);
        return `a connection closed by ${by} took ${Math.round(latency)} µs${
          slower && byTinybench !== undefined
            ? `, ${Math.round(byTinybench)} µs by tinybench, ${words[slower.differs]} (${((slower.ratio - 1) * 100).toFixed(1).replace('-', '−')} %)`
            : ''
        }`;
      }),
    );
  },
});
