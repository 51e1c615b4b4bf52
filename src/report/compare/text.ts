import { plural } from '../format.ts';
import { hang, type Style, styleOf } from '../terminal/lines.ts';
import { someOf } from '../which-cells.ts';
import type {
  BehaviourDifference,
  ComparedExperiment,
  Comparison,
  EnvironmentDifference,
  PerformanceDifference,
  RaceDifference,
  Unstable,
  VerdictDifference,
} from './comparison.ts';
import {
  cautions,
  cellsNamed,
  extent,
  foldDifferences,
  foldNotComparable,
  foldUnstable,
  foldVerdicts,
  headline,
  inCells,
  type NotComparableIn,
  performanceWords,
  racesToTell,
  raceValues,
  raceWords,
  splitNotComparable,
  strongest,
} from './told.ts';

interface Options {
  readonly color: boolean;
  /** Characters in a line; default 100. */
  readonly width?: number;
}

const plainly = (text: string): string => text;

/** A comparison for a terminal: the runs, the headline, differences by experiment, verdicts, and what was not comparable. */
export function comparisonText(comparison: Comparison, { color, width = 100 }: Options): string {
  const style = styleOf(color);
  const sections = [
    runLines(comparison, width, style),
    [
      ...hang('', headline(comparison), width).map((line) => style('bold', line)),
      ...cautions(comparison).flatMap((text) => hang('! ', text, width).map((line) => style('yellow', line))),
    ],
    environmentLines(comparison, width, style),
    ...comparison.experiments.map((experiment) => experimentLines(experiment, { comparison, width, style })),
    notComparableLines(comparison, width, style),
    extent(comparison).flatMap((text) => hang('', text, width).map((line) => style('dim', line))),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const runLines = ({ runs }: Comparison, width: number, style: Style): string[] =>
  runs.flatMap(({ label, folder, setting, startedAt }) => {
    const day = startedAt === null ? [] : [startedAt.slice(0, 10)];
    const [first = '', ...more] = hang(`${label}  `, [folder, ...setting, ...day].join(' · '), width);
    return [style('bold', label) + first.slice(label.length), ...more];
  });

/** Each run's value behind its letter: `A 6.1.192 · B 6.18.19`. */
const perRun = ({ runs }: Comparison, values: readonly string[]): string =>
  values.map((value, index) => `${runs[index]?.label} ${value}`).join(' · ');

function environmentLines(comparison: Comparison, width: number, style: Style): string[] {
  if (comparison.environment.length === 0) return [];
  const line = ({ name, values }: EnvironmentDifference): string[] =>
    hang(
      `  ${name}  `,
      perRun(
        comparison,
        values.map((value) => value ?? '–'),
      ),
      width,
      4,
    );
  return [style('bold', 'The runs differ in'), ...comparison.environment.flatMap(line)];
}

/** What is needed to write lines: how wide, in which style, and the labels of the runs. */
interface Page {
  readonly comparison: Comparison;
  readonly width: number;
  readonly style: Style;
}

function experimentLines(experiment: ComparedExperiment, page: Page): string[] {
  const { comparison, width, style } = page;
  const own = <T extends { readonly experiment: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.experiment === experiment.id);
  const lines = [
    ...raceLines(own(comparison.races), experiment, page),
    ...behaviourLines(own(comparison.differences), experiment, page),
    ...performanceLines(own(comparison.measurements), page),
    ...unstableLines(own(comparison.unstable), page),
    ...verdictLines(own(comparison.verdicts), page),
  ];
  if (lines.length === 0) return [];
  const [head = '', ...more] = hang(`${experiment.id}  `, experiment.question, width);
  return [
    style('bold', experiment.id) + style('dim', head.slice(experiment.id.length)),
    ...more,
    ...lines,
    ...answers(experiment, comparison, width),
  ];
}

function raceLines(races: readonly RaceDifference[], { cells }: ComparedExperiment, page: Page): string[] {
  const { comparison, width, style } = page;
  const { told, others } = racesToTell(races);
  const lines = told.flatMap((race) => {
    const [mark, color] = race.isBehaviour ? (['≠', 'red'] as const) : (['~', 'yellow'] as const);
    const where = inCells(cellsNamed(race.cells, cells), cells, plainly);
    return [
      ...hang(`  ${mark} ${race.fact}  `, perRun(comparison, raceValues(race)), width, 4).map((line) =>
        style(color, line),
      ),
      ...hang('    ', `${where} (${raceWords(race, plainly)})`, width),
    ];
  });
  return others.length === 0 ? lines : [...lines, ...hang('  ~ ', `other odds, too: ${others.join(', ')}`, width)];
}

function behaviourLines(
  differences: readonly BehaviourDifference[],
  { cells: all }: ComparedExperiment,
  { comparison, width, style }: Page,
): string[] {
  return foldDifferences(differences, all).flatMap(({ fact, values, how, cells }) => {
    const where = inCells(cells, all, plainly);
    return [
      ...hang(`  ≠ ${fact}  `, perRun(comparison, values), width, 4).map((line) => style('red', line)),
      ...hang('    ', how === '' ? where : `${where} (${how})`, width),
    ];
  });
}

function performanceLines(measurements: readonly PerformanceDifference[], { width, style }: Page): string[] {
  const { told, left } = strongest(measurements);
  const lines = told.flatMap((each) => [
    ...hang(`  ~ ${each.fact}  `, `${each.runs.join(' → ')} ${performanceWords(each)}`, width, 4).map((line) =>
      style('yellow', line),
    ),
    ...hang('    ', `in ${each.cell}`, width),
  ]);
  return left === '' ? lines : [...lines, ...hang('  ', left, width)];
}

const unstableLines = (all: readonly Unstable[], { width, style }: Page): string[] =>
  foldUnstable(all).flatMap(({ run, fact, cells }) =>
    hang('  unstable  ', `${fact} in run ${run} in ${someOf(cells, plainly, 2)}`, width, 4).map((line) =>
      style('yellow', line),
    ),
  );

function verdictLines(differences: readonly VerdictDifference[], { comparison, width, style }: Page): string[] {
  const made = (verdicts: VerdictDifference['verdicts']): string =>
    perRun(
      comparison,
      verdicts.map((verdict) => verdict ?? '–'),
    );
  const line = (name: string, verdicts: VerdictDifference['verdicts'], text: string): string[] => [
    ...hang(`  ${name}  `, made(verdicts), width, 4).map((each) => style('magenta', each)),
    ...hang('    ', text, width),
  ];
  const { told, open } = foldVerdicts(differences);
  return [
    ...told.flatMap(({ claim, verdicts, text }) => line(`claim ${claim}`, verdicts, text)),
    ...open.flatMap(({ verdicts, claims }) => line(`${claims.length} claims`, verdicts, claims.join(', '))),
  ];
}

/** The answers, where the behaviour differs and they do. */
function answers({ answers: all }: ComparedExperiment, { runs }: Comparison, width: number): string[] {
  if (new Set(all.filter((answer) => answer !== null)).size < 2) return [];
  return all.flatMap((answer, index) => hang(`  answer ${runs[index]?.label}  `, answer ?? '–', width));
}

/** So many reasons tell what went unseen; Markdown has all. */
const mostReasons = 6;

function notComparableLines({ notComparable }: Comparison, width: number, style: Style): string[] {
  const { oneSided, others } = splitNotComparable(notComparable);
  return [
    ...oneSided.flatMap(({ text, all }) => [
      ...hang('', text, width).map((line) => style(['bold', 'yellow'], line)),
      ...reasonLines(foldNotComparable(all, plainly), width),
    ]),
    ...(others.length > 0
      ? [style('bold', `Not comparable (${others.length})`), ...reasonLines(foldNotComparable(others, plainly), width)]
      : []),
  ];
}

function reasonLines(folded: readonly NotComparableIn[], width: number): string[] {
  const all = folded.flatMap(({ items }) => items);
  const left = all.length - mostReasons;
  return [
    ...all.slice(0, mostReasons).flatMap(({ reason, what }) => hang('  ', `${what} (${reason})`, width, 4)),
    ...(left > 0 ? [`  and ${plural(left, 'other group')} of them: \`--markdown\` has all`] : []),
  ];
}
