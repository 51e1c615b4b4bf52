import { against, experiment, kind, margin, sentence } from 'lingerlab';

/** What looks once a second begins after half a one; by then there are 10,000 TIME-WAITs. */
const seconds = 0.9;
/** Of 10 pairs, two that go the other way by little do not hide a difference, corrected for five comparisons. */
const repeats = 10;

const watched = ['nobody', 'once-a-second', 'ten-a-second', 'fifty-a-second', 'trace', 'wire'] as const;
type Watched = (typeof watched)[number];
/** Looks a second. */
const looks = { 'once-a-second': 1, 'ten-a-second': 10, 'fifty-a-second': 50 } as const;
/** Of the looks that are due, those that a busy machine must get done. */
const least = 0.7;

export default experiment({
  id: 'load-observed',
  question: 'What does watching cost a load?',
  group: 'Load',
  // more than a minute by itself: whoever asks what the observers cost, asks for it
  whenNamed: true,
  factors: { watched },
  load: () => repeats,
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
        'measured here, repeat by repeat, by a test of signed ranks; over 2,000 TIME-WAITs are counted by sockstat and not looked at',
      holds: (outcomes) =>
        costs(outcomes).every(({ name, differs }) => name !== 'once-a-second' || differs !== 'fewer'),
    },
  ],

  answer(outcomes) {
    const words = {
      'once-a-second': 'the sampler once a second',
      'ten-a-second': 'ten times a second',
      'fifty-a-second': 'fifty times a second',
      trace: 'the tracepoints, all read,',
      wire: 'the wire, which carries and captures each segment,',
      nobody: '',
    };
    const percent = (ratio: number) => (Number.isFinite(ratio) ? `${((1 - ratio) * 100).toFixed(1)} %` : 'unknown');
    const said = costs(outcomes).map(
      ({ name, ratio, low, high, differs }) =>
        `${words[name]} took ${percent(ratio)} (${percent(high)} to ${percent(low)}) of the rate${differs === 'not shown' ? `, not shown to be more than ${margin * 100} %` : ''}`,
    );
    const most = Math.max(0, ...outcomes.map(({ facts }) => facts['timeWait.peak']));
    return sentence(...said, said.length > 0 && `all that with up to ${most.toLocaleString('en')} TIME-WAITs at once`);
  },
});

interface Outcome {
  readonly cell: { readonly watched: Watched };
  readonly repeat: number;
  readonly facts: { readonly 'rate.perSecond': number };
}

/** Each way to watch against nobody. */
function costs(outcomes: readonly Outcome[]) {
  const ways = Map.groupBy(outcomes, ({ cell }) => cell.watched);
  const rates = (own: readonly Outcome[]) => new Map(own.map(({ repeat, facts }) => [repeat, facts['rate.perSecond']]));
  const base = ways.get('nobody');
  if (!base) return [];
  ways.delete('nobody');
  return against(
    rates(base),
    [...ways].map(([name, own]) => ({ name, values: rates(own) })),
  );
}
