import { kind, loadExperiment, margin, repeatsNeeded, sentence } from 'lingerlab';

/** What looks once a second begins after half a one; by then there are 10,000 TIME-WAITs. */
const seconds = 0.9;
/** Of 12 pairs, three that go the other way by little do not hide a difference, corrected for five comparisons. */
const repeats = 12;

const watched = ['nobody', 'once-a-second', 'ten-a-second', 'fifty-a-second', 'trace', 'wire'] as const;
/** Looks a second. */
const looks = { 'once-a-second': 1, 'ten-a-second': 10, 'fifty-a-second': 50 } as const;
/** Of the looks that are due, those that a busy machine must get done. */
const least = 0.7;

export default loadExperiment({
  id: 'load-observed',
  question: 'What does watching cost a load?',
  tags: ['observer effect', 'overhead', 'ss', 'tracepoints', 'benchmark'],
  symptoms: ['does monitoring slow the server down', 'cost of running ss'],
  // more than a minute by itself: whoever asks what the observers cost, asks for it
  whenNamed: true,
  factors: { watched },
  load: { repeats, baseline: { watched: 'nobody' } },
  seconds: seconds + 0.3,
  network: ({ watched }) => (watched === 'wire' ? 'wire' : 'loopback'),
  sysctls: () => ({ 'net.ipv4.tcp_max_tw_buckets': 262_144 }),
  measures: {
    looked: kind.count({ compare: 'measurement', text: 'of the looks that were due, the share that the sampler took' }),
  },
  shows: [
    'rate.perSecond',
    'latency.p50Us',
    'latency.p99Us',
    'timeWait.peak',
    'load.samples',
    'load.traced',
    'load.tracedLost',
  ],

  async scenario({ load, note }, { watched }) {
    const perSecond = watched in looks ? looks[watched as keyof typeof looks] : undefined;
    const by = watched === 'trace' ? watched : perSecond;
    const { seen } = await load({ seconds, ...(by && { watched: by }) });
    if (perSecond !== undefined) note('looked', seen.samples / (perSecond * seconds));
  },

  claims: [
    {
      id: 'watched-as-asked',
      text: 'who is to look looks as often as that, who is not does not, and so it is with the tracepoints',
      source: `a connection passes four states at the least: events of the window alone are several for each. Tolerance: ${least} of the looks, on a machine without an idle CPU`,
      holds: (facts, { watched }) =>
        (watched in looks ? facts.looked >= least : facts['load.samples'] === 0) &&
        (watched === 'trace'
          ? facts['load.traced'] + facts['load.tracedLost'] > facts['load.finished'] * 4
          : facts['load.traced'] === 0),
    },
  ],

  across: [
    {
      id: 'the-default-is-cheap',
      text: `the sampler, once a second as it looks by default where nothing happens, does not take more than ${margin * 100} % of the rate`,
      source:
        'measured here, repeat by repeat: refuted by a test of signed ranks, confirmed where the interval of the ratio at 95 % has no more; over 2,000 TIME-WAITs are counted by sockstat and not looked at',
      holds(_, compared) {
        const found = compared.find(({ cell }) => cell.watched === 'once-a-second');
        if (found?.differs === 'fewer') return false;
        return found && found.low >= 1 / (1 + margin) ? true : undefined;
      },
    },
  ],

  answer(outcomes, compared) {
    const words = {
      'once-a-second': 'the sampler once a second',
      'ten-a-second': 'ten times a second',
      'fifty-a-second': 'fifty times a second',
      trace: 'the tracepoints, all read,',
      wire: 'the wire, which carries and captures each segment,',
      nobody: '',
    };
    const percent = (ratio: number) => `${((1 - ratio) * 100).toFixed(1).replace('-', '−')} %`;
    const needed = repeatsNeeded(compared.length);
    const most = Math.max(0, ...outcomes.map(({ facts }) => facts['timeWait.peak']));
    return sentence(
      ...compared.map(
        ({ cell, ratio, low, high, differs }) =>
          `${words[cell.watched]} took ${percent(ratio)}${Number.isFinite(high) ? ` (${percent(high)} to ${percent(low)})` : ''} of the rate${notes[differs]}`,
      ),
      compared.some(({ differs }) => differs === 'not shown') &&
        outcomes.length < needed * (compared.length + 1) &&
        `fewer than ${needed} repeats show nothing of ${compared.length} ways`,
      compared.length > 0 &&
        `there were up to ${most.toLocaleString('en')} TIME-WAITs at once, of which the sampler counts those beyond 2,000 and does not look at them`,
    );
  },
});

/** What is said of a difference. */
const notes = {
  more: '',
  fewer: '',
  alike: `, less than ${margin * 100} % either way`,
  'not shown': `, not shown to be more than ${margin * 100} %`,
} as const;
