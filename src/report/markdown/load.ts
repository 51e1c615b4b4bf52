import type { ExperimentRecord } from '../../record/schema.ts';
import { against, margin, type Repeated } from '../../stats/against.ts';
import { median, quantile } from '../../stats/quantile.ts';
import { formatFact, formatSpread, plural } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { blocks, code, plain, table } from './text.ts';

const rate = 'rate.perSecond';

/** Measured of each way, in this order, where the experiment has it: median, and between which values its repeats lie. */
const measured = [rate, 'latency.p50Us', 'latency.p99Us', 'cpu.usPerConnection', 'timeWait.peak'];

/** What else it cost, in a table of medians alone. */
const costs = [
  'cpu.clientUs',
  'cpu.clientSystemUs',
  'cpu.serverUs',
  'cpu.serverSystemUs',
  'cpu.softirqUs',
  'memory.bytesPerTimeWait',
  'load.retransmits',
  'load.dropped',
];

const saturated = 'cpu.saturated';

/** Facts that are the same figure again and again through the window. */
const series = ['rate.series', 'latency.series', 'timeWait.series'];

/** What each way came to under load, against the first, and how it went through the window. Empty for other experiments. */
export function markdownLoad(experiment: ExperimentRecord, groups: readonly CellGroup[]): string {
  const arms = groups.filter((cell) => numbersOf(cell, rate).length > 0);
  const [base] = arms;
  if (base === undefined) return '';
  const factors = Object.keys(base.factors).filter((name) => new Set(arms.map((cell) => cell.factors[name])).size > 1);
  const nameOf = (cell: CellGroup) =>
    factors.map((name) => code(`${name}=${cell.factors[name]}`)).join(' ') || code(cell.id);
  const facts = measured.filter((fact) => arms.some((cell) => numbersOf(cell, fact).length > 0));
  const others = arms.slice(1);
  const compares = arms.some((cell) => cell.ran.length > 1);
  const compared = against(
    ratesOf(base),
    others.map((cell) => ({ name: cell, values: ratesOf(cell) })),
  );
  const rows = arms.map((cell) => [
    nameOf(cell),
    ...facts.map((fact) => plain(formatSpread(numbersOf(cell, fact), declaredFact(fact, experiment)))),
    ...(compares ? [ratioWords(compared.find(({ name }) => name === cell))] : []),
  ]);
  const ran = arms.map((cell) => cell.ran.length);
  const [fewest, most] = [Math.min(...ran), Math.max(...ran)];
  const repeats = fewest === most ? plural(most, 'repeat') : `${fewest} to ${plural(most, 'repeat')}`;
  return blocks(
    compares
      ? `**Under load**: medians of ${repeats}, and between which values they lie; against the first, repeat by repeat: the ratio with its interval at 95 %, and whether it differs by more than ${margin * 100} %, by Wilcoxon's test of signed ranks, corrected by Holm at α = 0.05.`
      : '**Under load**:',
    table(
      ['way', ...facts.map(code), ...(compares ? ['against the first'] : [])],
      rows,
      facts.map((_, index) => index + 1),
    ),
    costTable(experiment, arms, nameOf),
    ...series.map((fact) => through(fact, experiment, arms, nameOf)),
  );
}

/** Who had no more CPU to give, most often first. */
function mostly(cell: CellGroup): string {
  const who = cell.ran.map((record) => factOf(record, saturated)).filter((value) => typeof value === 'string');
  return [...Map.groupBy(who, (each) => each)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([each, those]) => `${each} ${those.length}`)
    .join(', ');
}

function costTable(
  experiment: ExperimentRecord,
  arms: readonly CellGroup[],
  nameOf: (cell: CellGroup) => string,
): string {
  const facts = costs.filter((fact) => arms.some((cell) => numbersOf(cell, fact).length > 0));
  if (facts.length === 0) return '';
  const middle = (cell: CellGroup, fact: string) => {
    const values = numbersOf(cell, fact);
    return values.length === 0 ? '' : plain(formatFact(median(values), declaredFact(fact, experiment)));
  };
  return blocks(
    'What it cost besides, at the median, times for one request; and who was at its end, of how many results:',
    table(
      ['way', ...facts.map(code), code(saturated)],
      arms.map((cell) => [nameOf(cell), ...facts.map((fact) => middle(cell, fact)), mostly(cell)]),
      facts.map((_, index) => index + 1),
    ),
  );
}

const numbersOf = (cell: CellGroup, fact: string): number[] =>
  cell.ran.map((record) => factOf(record, fact)).filter((value) => typeof value === 'number');

const ratesOf = (cell: CellGroup): Repeated =>
  new Map(
    cell.ran.flatMap((record) => {
      const value = factOf(record, rate);
      return typeof value === 'number' ? [[record.repeat, value] as const] : [];
    }),
  );

const words = { more: '**more**', fewer: '**fewer**', alike: 'as many', 'not shown': 'open' } as const;

function ratioWords(found: ReturnType<typeof against<CellGroup>>[number] | undefined): string {
  if (!found) return '';
  const { ratio, low, high, differs } = found;
  const interval = Number.isFinite(high) ? ` (${low.toFixed(3)} to ${high.toFixed(3)})` : '';
  return `${ratio.toFixed(3)}${interval}: ${words[differs]}`;
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A figure through the window: the median over repeats at each of its moments, drawn from 0 to the largest of all ways. */
function through(
  fact: string,
  experiment: ExperimentRecord,
  arms: readonly CellGroup[],
  nameOf: (cell: CellGroup) => string,
): string {
  const declared = declaredFact(fact, experiment);
  const lines = arms
    .map((cell) => ({ cell, medians: mediansOf(cell, fact) }))
    .filter(({ medians }) => medians.length > 0);
  if (lines.length === 0) return '';
  const most = Math.max(...lines.flatMap(({ medians }) => medians));
  const one = declared && { ...declared, type: 'number' as const };
  const rows = lines.map(({ cell, medians }) => {
    const drawn = medians
      .map((value) => bars[most === 0 ? 0 : Math.round((value / most) * (bars.length - 1))])
      .join('');
    const between = (at: 0 | -1) => spreadAt(cell, fact, at).map((value) => formatFact(value, one));
    const [first, last] = [between(0), between(-1)].map(([low, middle, high]) => `${middle} (${low} to ${high})`);
    return [nameOf(cell), `\`${drawn}\``, first ?? '', last ?? ''];
  });
  return blocks(
    `${code(fact)}: ${plain(declared?.text ?? '')}: medians of all repeats, drawn from 0 to the largest of all ways, with the quartiles at both ends`,
    table(['way', 'through the window', 'at its beginning', 'at its end'], rows),
  );
}

const seriesOf = (cell: CellGroup, fact: string): number[][] =>
  cell.ran.map((record) => factOf(record, fact)).filter((value) => Array.isArray(value)) as number[][];

/** The quartiles over repeats of the first or the last moment that all have. */
function spreadAt(cell: CellGroup, fact: string, at: 0 | -1): number[] {
  const all = seriesOf(cell, fact);
  const length = Math.min(...all.map((values) => values.length));
  const values = all.map((each) => each[at === 0 ? 0 : length - 1] as number);
  return [0.25, 0.5, 0.75].map((share) => quantile(values, share));
}

function mediansOf(cell: CellGroup, fact: string): number[] {
  const all = seriesOf(cell, fact);
  const length = Math.min(...all.map((values) => values.length));
  if (all.length === 0) return [];
  return Array.from({ length }, (_, at) => median(all.map((values) => values[at] as number)));
}
