import { type Compared, finding, kind, loadExperiment, margin, repeatsNeeded } from 'lingerlab';

/** A sampler that looks once a second looks first after half a second: by then there are 10,000 TIME-WAITs. */
const seconds = 0.9;
/** With 12 pairs, three small differences to the other side do not hide a difference, corrected for five comparisons. */
const repeats = 12;

/** What the text of a finding calls it. */
const named = {
  nobody: 'no observer',
  'once-a-second': 'the sampler once per second (the default)',
  'ten-a-second': 'the sampler ten times per second',
  'fifty-a-second': 'the sampler fifty times per second',
  trace: 'the tracepoints',
  wire: 'the wire (a process that carries and captures each segment)',
} as const;
const watched = ['nobody', 'once-a-second', 'ten-a-second', 'fifty-a-second', 'trace', 'wire'] as const;
/** Looks per second. */
const looks = { 'once-a-second': 1, 'ten-a-second': 10, 'fifty-a-second': 50 } as const;
/** Share of the looks that are due which a busy machine must still make. */
const least = 0.7;

export default loadExperiment({
  id: 'load-observed',
  question: 'What does an observer cost a load?',
  tags: ['observer effect', 'overhead', 'ss', 'tracepoints', 'benchmark'],
  symptoms: ['does monitoring slow the server down', 'cost of running ss'],
  // takes more than a minute
  whenNamed: true,
  factors: { watched },
  words: { watched: { text: 'what observes the load', values: named } },
  load: { repeats, baseline: { watched: 'nobody' } },
  seconds: seconds + 0.3,
  network: ({ watched }) => (watched === 'wire' ? 'wire' : 'loopback'),
  sysctls: () => ({ 'net.ipv4.tcp_max_tw_buckets': 262_144 }),
  measures: {
    looked: kind.count({ compare: 'measurement', text: 'the share of the looks that were due which the sampler made' }),
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
      text: 'the sampler looks as often as it is set to, the tracepoints are read where that is set, and neither works where it is not set',
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
      text: `the sampler once per second, its default where nothing happens, does not cost more than ${margin * 100} % of the rate`,
      source:
        'measured here, repeat by repeat: refuted by a test of signed ranks, confirmed where the interval of the ratio at 95 % contains no larger cost; the sampler only counts TIME-WAITs beyond 2,000, from sockstat',
      holds(_, compared) {
        const found = compared.find(({ cell }) => cell.watched === 'once-a-second');
        if (found?.differs === 'fewer') return false;
        return found && found.low >= 1 / (1 + margin) ? true : undefined;
      },
    },
  ],

  answer(outcomes, compared) {
    const usual = compared.find(({ cell }) => cell.watched === 'once-a-second');
    const most = Math.max(0, ...outcomes.map(({ facts }) => facts['timeWait.peak']));
    return {
      headline: usual && costOfDefault(usual, repeatsNeeded(compared.length)),
      findings: [
        ...compared.map((each) =>
          finding(
            change(each),
            `The rate with ${named[each.cell.watched]} ${notes[each.differs]}.`,
            outcomes.filter(({ cell }) => cell.watched === each.cell.watched),
          ),
        ),
        finding(
          most.toLocaleString('en'),
          'So many sockets were in TIME-WAIT at once; the sampler counts those beyond 2,000 and does not look at each.',
          outcomes,
        ),
      ],
    };
  },
});

function costOfDefault(usual: Compared<unknown>, needed: number): string {
  if (usual.differs === 'fewer')
    return `The sampler, once per second by default, costs a load ${change(usual)} of its rate.`;
  if (usual.low >= 1 / (1 + margin))
    return `The sampler, once per second by default, costs a load at most ${margin * 100} % of its rate.`;
  return usual.pairs < needed
    ? `Too few repeats to show the sampler's cost (${change(usual)}): run this with --repeat ${needed}.`
    : `The default sampler's cost is not significant (${change(usual)}): use a quieter machine.`;
}

/** What the test found of a rate against that without an observer. */
const notes = {
  more: 'is higher',
  fewer: 'is lower',
  alike: `is unchanged, within ${margin * 100} %`,
  'not shown': `shows no significant difference beyond the ${margin * 100} % margin`,
} as const;

const change = ({ ratio }: Compared<unknown>): string =>
  `${ratio > 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`.replace('-', '−');
