import { described, kind } from '../../src/facts/kinds.ts';
import { declarations } from '../../src/facts/table.ts';
import type { Declaration } from '../../src/record/fact.ts';
import {
  type CellRecord,
  type ClaimRecord,
  type Environment,
  type ExperimentRecord,
  type Run,
  type RunRecord,
  schemaVersion,
} from '../../src/record/schema.ts';

type Facts = CellRecord['facts'];
type Path = CellRecord['paths'][string];
type Step = Path[number];

/** Declarations as a run folder has them. */
export const saved = (declared: Record<string, Declaration>): ExperimentRecord['facts'] =>
  JSON.parse(JSON.stringify(declared));

export const environment = (over: Partial<Environment> = {}): Environment => ({
  kernel: '6.18.19',
  distribution: 'Debian GNU/Linux 12',
  arch: 'x86_64',
  cpu: 'AMD EPYC 7763',
  cores: 2,
  memory: 4_110_417_920,
  virtualization: 'none',
  accelerator: 'none',
  slowness: 1,
  hz: 250,
  node: 'v24.21.0',
  iproute2: '6.1.0',
  privileged: true,
  capabilities: { namespaces: true, tracepoints: true },
  sysctls: { 'net.ipv4.tcp_fin_timeout': '60', 'net.ipv4.tcp_tw_reuse': '2' },
  ...over,
});

export const experimentOf = (over: Partial<ExperimentRecord> & { id: string }): ExperimentRecord => ({
  group: '',
  question: 'Which end is left in TIME-WAIT?',
  factors: {},
  facts: saved(declarations()),
  shows: ['timeWait.holder'],
  sourceHash: 'aa',
  file: 'builtin:closing/close-order',
  builtin: true,
  answer: { headline: 'The end that closes first.', findings: [] },
  answered: 'all',
  claims: [],
  ...over,
});

/** What a verdict rests on, in words, as older folders have it. */
export const told = (...parts: readonly string[]) => ({ on: 'text' as const, parts: [...parts] });

export const claimOf = (over: Partial<ClaimRecord> & { id: string }): ClaimRecord => ({
  text: 'the end that closes first keeps TIME-WAIT',
  source: 'RFC 9293 §3.6.1',
  across: false,
  verdict: 'confirmed',
  cells: { confirmed: 1, refuted: 0, inconclusive: 0 },
  detail: told(),
  ...over,
});

/** A cell that ran; its id is made from its factors. */
export function cellOf(
  experiment: string,
  factors: CellRecord['factors'],
  facts: Facts,
  over: Partial<CellRecord> = {},
): CellRecord {
  const pairs = Object.entries(factors).map(([name, value]) => `${name}=${value}`);
  return {
    id: pairs.length === 0 ? experiment : `${experiment}/${pairs.join(',')}`,
    experiment,
    factors,
    repeat: 1,
    race: false,
    status: 'ran',
    startedAt: '2025-11-20T09:00:01.000Z',
    seconds: 1.5,
    facts,
    unknown: {},
    paths: {},
    claims: [],
    warnings: [],
    ...over,
  };
}

export function runOf(
  experiments: readonly ExperimentRecord[],
  cells: readonly CellRecord[],
  over: Partial<RunRecord> & { environment?: Partial<Environment>; folder?: string } = {},
): Run {
  const { environment: seen, folder, ...record } = over;
  return {
    folder: folder ?? 'results/a',
    cells,
    run: {
      schemaVersion,
      tool: { name: 'lingerlab', version: '0.1.0', commit: '0123456789abcdef' },
      argv: ['lingerlab', 'run'],
      status: 'complete',
      pid: 7,
      clock: { monotonicNs: '1', wall: '2025-11-20T09:00:00.000Z' },
      sessions: [
        {
          startedAt: '2025-11-20T09:00:00.000Z',
          finishedAt: '2025-11-20T09:01:04.200Z',
          environment: environment(seen),
          cpu: {
            harness: 1.25,
            observers: 0.5,
            peers: 2,
            short: { results: 16, harness: 0.0125, observers: 0.01, peers: 0.08 },
          },
        },
      ],
      experiments: [...experiments],
      groups: [...Map.groupBy(experiments, ({ group }) => group)].map(([title, own]) => ({
        title,
        experiments: own.map(({ id }) => id),
        headline: null,
      })),
      plan: [...new Set(cells.map(({ id }) => id))],
      repeats: {},
      notRun: [],
      warnings: [],
      ...record,
    },
  };
}

/** `'ESTABLISHED 1.5'`: a state and the ms at which it was entered; `~` sampled, `2-3` between, `*` a mini-socket. */
export const path = (...steps: readonly string[]): Path =>
  steps.map((text): Step => {
    const [state = '', time = ''] = text.split(' ');
    const [early, late = early] = time
      .replace(/[~*]/g, '')
      .split('-')
      .map((ms) => Number(ms) * 1e6);
    const evidence = time.includes('~') ? 'sampled' : early === late ? 'exact' : 'bracketed';
    return {
      state: state as Step['state'],
      at: late ?? 0,
      ...(early !== late && early !== undefined && { notBefore: early }),
      evidence,
      source: evidence === 'sampled' ? 'ss' : 'trace',
      ...(time.includes('*') && { mini: true as const }),
    };
  });

const opened = {
  client: ['SYN-SENT 100', 'ESTABLISHED 100.06'],
  server: ['SYN-RECEIVED 100.04', 'ESTABLISHED 100.07'],
};
const first = ['FIN-WAIT-1 101', 'FIN-WAIT-2 101.04', 'TIME-WAIT 103.1-103.2*', 'CLOSED 61203-61305~'];
const second = ['CLOSE-WAIT 101.03', 'LAST-ACK 103.1', 'CLOSED 103.2'];
const resetting = { first: ['CLOSED 101'], second: ['CLOSED 101.03'] };

/** Facts and paths of one close: who closes, with or without linger 0. */
function closed(closes: 'client' | 'server', linger: 'off' | 'zero'): Pick<CellRecord, 'facts' | 'paths'> {
  const zero = linger === 'zero';
  const other = closes === 'client' ? 'server' : 'client';
  return {
    facts: {
      'timeWait.holder': zero ? 'none' : closes,
      ...(!zero && { 'timeWait.seconds': 61.2, 'timeWait.endedBy': 'timer' }),
      [`${closes}.closedWith`]: zero ? ['RST'] : ['FIN'],
      [`${other}.closedWith`]: zero ? [] : ['FIN'],
      [`${other}.errors`]: zero ? [{ call: 'read', errno: 'ECONNRESET' }] : [],
      'counters.lab.Tcp.OutRsts': zero ? 1 : 0,
    },
    paths: {
      [closes]: path(...opened[closes], ...(zero ? resetting.first : first)),
      [other]: path(...opened[other], ...(zero ? resetting.second : second)),
    },
  };
}

const order = experimentOf({
  id: 'close-order',
  group: 'Closing',
  factors: { closes: ['client', 'server'], linger: ['off', 'zero'], family: [4, 6] },
  shows: ['timeWait.holder', 'timeWait.seconds', 'client.closedWith', 'server.closedWith'],
  answer: {
    headline: 'The end that closes first keeps TIME-WAIT, unless it resets.',
    findings: [
      {
        number: '4 of 4',
        text: 'A reset leaves no TIME-WAIT.',
        cells: [
          { id: 'close-order/closes=client,linger=zero,family=4', repeats: [1] },
          { id: 'close-order/closes=client,linger=zero,family=6', repeats: [1] },
        ],
      },
    ],
  },
  claims: [
    claimOf({ id: 'first-closer-waits', cells: { confirmed: 4, refuted: 0, inconclusive: 0 } }),
    claimOf({
      id: 'reset-is-silent',
      text: 'a reset closes without a word to the application | whatever it reads',
      source: 'said often',
      verdict: 'refuted',
      cells: { confirmed: 0, refuted: 4, inconclusive: 0 },
      detail: told('the other end read ECONNRESET'),
    }),
  ],
});
const orderCells = (['client', 'server'] as const).flatMap((closes) =>
  (['off', 'zero'] as const).flatMap((linger) =>
    [4, 6].map((family) => {
      const { facts, paths } = closed(closes, linger);
      const claims: CellRecord['claims'] =
        linger === 'zero'
          ? [{ id: 'reset-is-silent', verdict: 'refuted', detail: told('read answered ECONNRESET') }]
          : [{ id: 'first-closer-waits', verdict: 'confirmed', detail: told() }];
      return cellOf('close-order', { closes, linger, family }, facts, {
        paths,
        claims,
        seconds: linger === 'off' ? 61.9 : 0.4,
      });
    }),
  ),
);

const racing = experimentOf({
  id: 'racing-closes',
  group: 'Closing',
  question: 'What if both ends close at once?',
  factors: { data: [0, 1000, 2000, 3000] },
  facts: saved({ ...declarations(), together: described('how far apart the two closes were', kind.us()) }),
  shows: ['timeWait.holder', 'together', 'client.miniSocket'],
  answer: { headline: 'Mostly both ends keep TIME-WAIT.', findings: [] },
  claims: [
    claimOf({
      id: 'both-wait',
      text: 'crossing FINs leave TIME-WAIT at both ends',
      verdict: 'inconclusive',
      cells: { confirmed: 9, refuted: 0, inconclusive: 1 },
      detail: told('client.miniSocket not observed'),
    }),
  ],
});
const racingCells = Array.from({ length: 10 }, (_, index) =>
  cellOf(
    'racing-closes',
    { data: 0 },
    {
      'timeWait.holder': index === 3 ? 'client' : 'both',
      together: 12 + index,
      'client.miniSocket': index === 3 ? null : ['TIME-WAIT'],
    },
    {
      repeat: index + 1,
      race: true,
      unknown:
        index === 3 ? { 'client.miniSocket': { code: 'not-sampled', text: 'ss took its samples too late' } } : {},
      claims:
        index === 3
          ? [{ id: 'both-wait', verdict: 'inconclusive', detail: told('client.miniSocket not observed') }]
          : [],
      warnings: [{ code: 'SLOW_SAMPLES', text: `ss sampled every ${80 + index} ms`, remedy: 'Use --jobs 1.' }],
    },
  ),
);
const broken = cellOf(
  'racing-closes',
  { data: 1000 },
  {},
  {
    status: 'errored',
    reason: { code: 'STEP_DEADLINE', message: 'close() of "client" did not answer | within 13 s' },
    race: true,
  },
);

/** A run of 12 cells: 9 ran (one a race of ten repeats), 1 errored, 2 unsupported. */
export const sampleRun = (): Run =>
  runOf([order, racing], [...orderCells, ...racingCells, broken], {
    plan: [
      ...new Set([...orderCells, ...racingCells, broken].map(({ id }) => id)),
      'racing-closes/data=2000',
      'racing-closes/data=3000',
    ],
    notRun: ['2000', '3000'].map((data) => ({
      id: `racing-closes/data=${data}`,
      reason: 'this kernel cannot make veth devices',
      remedy: 'Load the module with `modprobe veth`.',
    })),
    repeats: { 'racing-closes/data=0': 10 },
    warnings: [
      { code: 'NO_MINI_TIMERS', text: 'this kernel refuses to trace tw_timer_handler', remedy: 'Use 6.12 or newer.' },
    ],
  });
