import { formatP, plural } from '../format.ts';
import type { Significance } from '../model/judge.ts';
import { type Mark, someOf } from '../which-cells.ts';
import type { Comparison } from './comparison.ts';
import type { Known } from './known.ts';

/** The first sentence: how many differences there are, in how much. */
export function headline(comparison: Comparison): string {
  const { behaviour, unexplained, contradicted, fates, performance, races, compared, experiments } = comparison;
  const cells = plural(compared.cells, 'cell');
  const lacking = plural(
    fates.length,
    'cell that ran in one run and not in another',
    'cells that ran in one run and not in another',
  );
  const also = fates.length > 0 ? ` ${lacking.charAt(0).toUpperCase()}${lacking.slice(1)}.` : '';
  if (compared.cells === 0) return `Nothing could be compared: no cell has facts in two runs.${also}`;
  if (compared.facts === 0) return `Nothing could be compared: no fact of ${cells} is known in two runs.${also}`;
  const within = `${plural(compared.facts, 'fact')} of ${cells} in ${plural(experiments.length, 'experiment')}`;
  if (behaviour + performance === 0) return `No difference in ${within}.`;
  const odds = races.filter(({ isBehaviour }) => !isBehaviour).length;
  const measured = performance - odds;
  const news = newsOf(behaviour, unexplained);
  const what =
    behaviour === 0
      ? 'No difference in behaviour'
      : plural(behaviour, `${news.all}difference in behaviour`, `${news.all}differences in behaviour`) + news.parts;
  const speed = [
    ...(odds > 0 ? [plural(odds, 'fact of races with other odds', 'facts of races with other odds')] : []),
    ...(measured > 0 ? [`${plural(measured, 'measured fact')} with another performance`] : []),
  ];
  const among = [
    ...(contradicted > 0 ? [`${plural(contradicted, 'claim')} that one run confirms and another refutes`] : []),
    ...(fates.length > 0 ? [lacking] : []),
  ];
  const others = contradicted + fates.length < behaviour ? ', among them ' : ': ';
  const claims = among.length > 0 ? `${others}${among.join(' and ')}` : '';
  return `${what}${claims}; ${speed.length === 0 ? 'none in performance' : speed.join(', ')}. Compared: ${within}.`;
}

/** How many differences known changes of the kernel explain: a word for all of them, or each part. */
function newsOf(all: number, unexplained: number | undefined): { readonly all: string; readonly parts: string } {
  if (unexplained === undefined) return { all: '', parts: '' };
  if (unexplained === 0 || unexplained === all) return { all: unexplained === 0 ? 'known ' : 'new ', parts: '' };
  return { all: '', parts: ` (${all - unexplained} known, ${unexplained} new)` };
}

/** What was not compared, and by which tests the rest was: sentences. */
export function extent({ compared, alpha, speeds }: Comparison): string[] {
  const { notAsked, cellsNotComparable, factsNotComparable, untested, elsewhere, tests } = compared;
  const whole = compared.cells > 0 ? ['Nothing was left out as not comparable.'] : [];
  const left = [
    cellsNotComparable > 0 && `${plural(cellsNotComparable, 'cell')}`,
    factsNotComparable > 0 && `${plural(factsNotComparable, 'fact')}`,
  ].filter(Boolean);
  return [
    ...(notAsked > 0 ? [`Not asked of every run: ${plural(notAsked, 'cell')}.`] : []),
    ...(left.length > 0 ? [`Not comparable: ${left.join(' and ')}.`] : whole),
    ...(elsewhere > 0
      ? [
          `${plural(elsewhere, 'measured fact')} of loads not compared: the machines differ, or were booted in between and not calibrated. The ratios of rates are compared instead.`,
        ]
      : []),
    ...speeds
      .filter(({ isAlike }) => isAlike)
      .map(
        ({ runs: [one, other], times }) =>
          `Rates and times of loads are compared as they were measured: the calibrations of ${one} and ${other} differ by a factor of ${Math.max(times, 1 / times).toFixed(2)}.`,
      ),
    ...(untested > 0
      ? [
          `${plural(untested, 'measured fact')} with too few values to test: 4 in each run are the fewest (\`--repeat 4\`), more facts need more.`,
        ]
      : []),
    ...(tests.race > 0
      ? [
          `${plural(tests.race, 'fact')} of races by permutation within their cells, all cells of an experiment together, corrected by Westfall and Young, at α = ${alpha}.`,
        ]
      : []),
    ...(tests.measurement > 0
      ? [`Measurements by Mann–Whitney U (${plural(tests.measurement, 'test')}), corrected by Holm, at α = ${alpha}.`]
      : []),
  ];
}

/** What a reader must know of the runs before the differences: emulation, runs that are not complete, changed questions. */
export function cautions({ runs, environment, experiments, races, speeds }: Comparison): string[] {
  const open = runs.filter(({ status }) => status !== 'complete');
  const slowness = environment.find(({ name }) => name === 'accelerator' || name === 'slowness');
  const virtual = runs.filter(({ clockRule }) => clockRule === 'virtual');
  const changed = experiments.filter((experiment) => experiment.changed);
  return [
    ...open.map(({ label, status }) => `Run ${label} is ${status}: it may lack cells and verdicts.`),
    ...(slowness
      ? ['The machines run at different speeds (emulation): differences in performance say nothing of the kernels.']
      : []),
    ...(virtual.length > 0
      ? [
          `${virtual.length === 1 ? 'A run' : 'Runs'} in virtual time (${virtual.map(({ label }) => label).join(', ')}) cannot show the effects of caches, of several processors, or of real-time rates.`,
        ]
      : []),
    ...speeds
      .filter(({ isAlike }) => !isAlike)
      .map(
        ({ runs: [one, other], times }) =>
          `The calibrations differ: in ${other} the machine was ${times.toFixed(2)} times as fast as in ${one}. Rates and times of loads in ${other} are normalised by that; their ratios need no correction.`,
      ),
    ...(races.some(({ isBehaviour }) => !isBehaviour)
      ? [
          'The odds of a race move with the load of a machine, too: run both again, on quiet machines, before you blame a kernel.',
        ]
      : []),
    ...(changed.length > 0
      ? [
          `The runs used different source files of these experiments: ${someOf(
            changed.map(({ id }) => id),
            String,
            6,
          )}.`,
        ]
      : []),
  ];
}

/** `p = 0.01, corrected p = 0.04`. */
export function significance({ p, adjusted }: Significance): string {
  const [own, corrected] = [formatP(p), formatP(adjusted)];
  return own === corrected ? own : `${own}, corrected ${corrected}`;
}

/** Sentence for measured facts beyond those that are shown. */
export const othersText = (count: number): string => `And ${plural(count, 'other measured fact')}: \`--json\` has all.`;

/** The cells, or the facts of cells, that are not comparable. */
export function whatText(
  { facts, cells }: { readonly facts: readonly string[]; readonly cells: readonly string[] },
  mark: Mark,
): string {
  const where = someOf(cells, mark, 2);
  return facts.length === 0 ? where : `${someOf(facts, mark, 3)} in ${where}`;
}

/** In parentheses: how values were told apart, and which facts say the same. */
export function howText(how: string, alike: readonly string[], mark: Mark): string {
  const also = alike.length === 0 ? '' : `the same for ${someOf(alike, mark)}`;
  const said = [how, also].filter(Boolean).join('; ');
  return said === '' ? '' : ` (${said})`;
}

/** `known since Linux 6.9, in stable kernels from 6.1 on`. */
const sinceText = ({ since, stable }: Known): string =>
  `known since Linux ${since}${stable === undefined ? '' : `, in stable kernels from ${stable} on`}`;

/** What a difference is beside what is known of kernels: nothing where all runs are of one kernel. */
export const markText = (known: readonly Known[] | undefined, areOfSeveral: boolean): string =>
  known ? known.map(sinceText).join('; ') : areOfSeveral ? 'new' : '';

/** How many cells ran again, and what came of it. */
export function againText({ cells, flips }: NonNullable<Comparison['again']>): string {
  const ran = `${plural(cells.length, 'cell')} in which something new differs ran once more on every kernel`;
  return flips.length === 0
    ? `${ran}: all came out the same again.`
    : `${ran}: ${plural(flips.length, 'value')} flipped, and ${flips.length === 1 ? 'is' : 'are'} no difference.`;
}

/** How instructions were counted. */
export const instructionsText =
  'Counted by the clock of a guest in virtual time, on one processor and loopback: the lowest tenth of many batches of 10 connections, with the same code of the program. What the kernel does later for many connections at once, and what caches cost, is not in it.';
