import { against, experiment, kind, sentence } from 'lingerlab';

/** Long enough for what looks once a second to look once. */
const seconds = 1;
const warmUpSeconds = 0.25;
const repeats = 8;

export default experiment({
  id: 'load-observed',
  question: 'What does watching cost a load?',
  group: 'Load',
  // most of a minute by itself: whoever asks what the observers cost, asks for it
  whenNamed: true,
  factors: { watched: ['nobody', 'once-a-second', 'ten-a-second', 'fifty-a-second', 'trace'] },
  load: () => repeats,
  seconds: seconds + warmUpSeconds + 0.25,
  sysctls: () => ({ 'net.ipv4.tcp_max_tw_buckets': 262_144 }),
  measures: {
    'rate.perSecond': kind.count({
      compare: 'measurement',
      text: 'connections that were over for the client, a second',
    }),
    'latency.p50Us': kind.us({ text: 'half of them were over within this time' }),
    'latency.p99Us': kind.us({ text: '99 % of them were' }),
    'timeWait.peak': kind.count({ compare: 'measurement', text: 'most TIME-WAITs at once in the window' }),
    traced: kind.count({ compare: 'measurement', text: 'events of tracepoints, warm-up included' }),
    'traced.lost': kind.count({ compare: 'measurement', text: 'those that the kernel dropped' }),
  },
  shows: ['rate.perSecond', 'latency.p50Us', 'latency.p99Us', 'timeWait.peak', 'traced', 'traced.lost'],

  async scenario({ load, note }, { watched }) {
    const perSecond = { 'once-a-second': 1, 'ten-a-second': 10, 'fifty-a-second': 50 } as const;
    const by = watched === 'trace' ? watched : watched !== 'nobody' && perSecond[watched];
    const done = await load({
      closer: 'client',
      by: 'destroy',
      inFlight: 32,
      requestBytes: 1,
      responseBytes: 1,
      seconds,
      warmUpSeconds,
      servers: 1,
      addresses: 8,
      ...(by && { watched: by }),
    });
    note('rate.perSecond', done.perSecond);
    note('latency.p50Us', done.latency.p50Us);
    note('latency.p99Us', done.latency.p99Us);
    note('timeWait.peak', Math.max(0, ...done.timeWait.map(({ count }) => count)));
    note('traced', done.traced.events);
    note('traced.lost', done.traced.lost);
  },

  claims: [
    {
      id: 'the-trace-is-seen',
      text: 'tracepoints that watch a load tell of it, and nobody else does',
      source: 'a connection passes four states at the least: events of the window alone are several for each',
      holds: (facts, { watched }) =>
        watched === 'trace'
          ? facts.traced + facts['traced.lost'] > facts['rate.perSecond'] * seconds
          : facts.traced === 0,
    },
  ],

  answer(outcomes) {
    const ways = [...Map.groupBy(outcomes, ({ cell }) => cell.watched)];
    const ratesOf = (own: typeof outcomes) =>
      own.toSorted((a, b) => a.repeat - b.repeat).map(({ facts }) => facts['rate.perSecond']);
    const base = ways.find(([watched]) => watched === 'nobody');
    if (!base) return sentence();
    const arms = ways.filter((way) => way !== base).map(([name, own]) => ({ name, values: ratesOf(own) }));
    const words = {
      'once-a-second': 'ss once a second',
      'ten-a-second': 'ten times',
      'fifty-a-second': 'fifty times',
      trace: 'the tracepoints, all read,',
      nobody: '',
    };
    const cost = (ratio: number) => (Number.isFinite(ratio) ? `${((1 - ratio) * 100).toFixed(1)} %` : 'unknown');
    return sentence(
      ...against(ratesOf(base[1]), arms).map(
        ({ name, ratio, low, high, differs }) =>
          `${words[name]} took ${cost(ratio)} (${cost(high)} to ${cost(low)}) of the rate${differs === 'not shown' ? ', which is not shown to be any' : ''}`,
      ),
    );
  },
});
