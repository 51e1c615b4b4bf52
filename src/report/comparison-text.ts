import type { ComparedExperiment, Comparison, EnvironmentDifference } from './comparison.ts';
import {
  cautions,
  extent,
  foldDifferences,
  foldNotComparable,
  headline,
  inCells,
  performanceWords,
  unstableWords,
} from './comparison-words.ts';
import { type Style, styleOf } from './style.ts';
import { hang } from './wrap.ts';

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
    ...comparison.experiments.map((experiment) => experimentLines(experiment, comparison, width, style)),
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

function experimentLines(
  experiment: ComparedExperiment,
  comparison: Comparison,
  width: number,
  style: Style,
): string[] {
  const own = <T extends { readonly experiment: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.experiment === experiment.id);
  const behaviour = foldDifferences(own(comparison.differences), experiment.cells).flatMap(
    ({ fact, values, how, cells }) => {
      const where = inCells(cells, experiment.cells, plainly);
      return [
        ...hang(`  ≠ ${fact}  `, perRun(comparison, values), width, 4).map((line) => style('red', line)),
        ...hang('    ', how === '' ? where : `${where} (${how})`, width),
      ];
    },
  );
  const performance = own(comparison.measurements).flatMap((each) => [
    ...hang(`  ~ ${each.fact}  `, `${each.runs.join(' → ')} ${performanceWords(each)}`, width, 4).map((line) =>
      style('yellow', line),
    ),
    ...hang('    ', `in ${each.cell}`, width),
  ]);
  const unstable = own(comparison.unstable).flatMap((each) =>
    hang('  unstable  ', `${each.fact} in ${each.cell}: ${unstableWords(each)}`, width, 4).map((line) =>
      style('yellow', line),
    ),
  );
  const verdicts = own(comparison.verdicts).flatMap(({ claim, text, verdicts: made }) => [
    ...hang(
      `  claim ${claim}  `,
      perRun(
        comparison,
        made.map((verdict) => verdict ?? '–'),
      ),
      width,
      4,
    ).map((line) => style('magenta', line)),
    ...hang('    ', text, width),
  ]);
  const lines = [...behaviour, ...performance, ...unstable, ...verdicts];
  if (lines.length === 0) return [];
  const [head = '', ...more] = hang(`${experiment.id}  `, experiment.question, width);
  return [
    style('bold', experiment.id) + style('dim', head.slice(experiment.id.length)),
    ...more,
    ...lines,
    ...answers(experiment, comparison, width),
  ];
}

/** The answers, where the behaviour differs and they do. */
function answers({ answers: all }: ComparedExperiment, { runs }: Comparison, width: number): string[] {
  if (new Set(all.filter((answer) => answer !== null)).size < 2) return [];
  return all.flatMap((answer, index) => hang(`  answer ${runs[index]?.label}  `, answer ?? '–', width));
}

function notComparableLines({ notComparable }: Comparison, width: number, style: Style): string[] {
  const folded = foldNotComparable(notComparable, plainly);
  if (folded.length === 0) return [];
  return [
    style('bold', 'Not comparable'),
    ...folded.flatMap(({ reason, what }) => hang('  ', `${what} (${reason})`, width, 4)),
  ];
}
