import { plural } from '../format.ts';
import { hang, type Style, styleOf } from '../terminal/lines.ts';
import { someOf, whichText } from '../which-cells.ts';
import type { EnvironmentDifference } from './comparison.ts';
import type { NotComparableIn, Told, ToldExperiment, ToldVerdict } from './told.ts';
import { howText, instructionsText, othersText, whatText } from './words.ts';

interface Options {
  readonly color: boolean;
  /** Characters in a line; default 100. */
  readonly width?: number;
}

const plainly = (text: string): string => text;

/** What is needed to write lines: how wide, in which style, and the labels of the runs. */
interface Page {
  readonly told: Told;
  readonly width: number;
  readonly style: Style;
}

/** A comparison for a terminal: the headline, the runs, differences by experiment, verdicts, and what was not comparable. */
export function comparisonText(told: Told, { color, width = 100 }: Options): string {
  const style = styleOf(color);
  const page = { told, width, style };
  const sections = [
    [
      ...hang('', told.headline, width).map((line) => style('bold', line)),
      ...told.cautions.flatMap((text) => hang('! ', text, width).map((line) => style('yellow', line))),
    ],
    runLines(page),
    environmentLines(page),
    ...told.experiments.map((experiment) => experimentLines(experiment, page)),
    costLines(page),
    againLines(page),
    changeLines(page),
    notComparableLines(page),
    told.extent.flatMap((text) => hang('', text, width).map((line) => style('dim', line))),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const runLines = ({ told: { runs }, width, style }: Page): string[] =>
  runs.flatMap(({ label, folder, setting, startedAt }) => {
    const day = startedAt === null ? [] : [startedAt.slice(0, 10)];
    const [first = '', ...more] = hang(`${label}  `, [folder, ...setting, ...day].join(' · '), width);
    return [style('bold', label) + first.slice(label.length), ...more];
  });

/** A mark behind what it is of. */
const behind = (mark: string): string => (mark === '' ? '' : `; ${mark}`);

/** Each run's value behind its letter: `A 6.1.192 · B 6.18.19`. */
const perRun = ({ runs }: Told, values: readonly (string | null)[]): string =>
  values.map((value, index) => `${runs[index]?.label} ${value ?? '–'}`).join(' · ');

function environmentLines({ told, width, style }: Page): string[] {
  if (told.environment.length === 0) return [];
  const line = ({ name, values }: EnvironmentDifference): string[] =>
    hang(`  ${name}  `, perRun(told, values), width, 4);
  return [style('bold', 'The runs differ in'), ...told.environment.flatMap(line)];
}

function experimentLines(experiment: ToldExperiment, page: Page): string[] {
  const { told, width, style } = page;
  const { id, question, headlines } = experiment;
  const [head = '', ...more] = hang(`${id}  `, question, width);
  return [
    style('bold', id) + style('dim', head.slice(id.length)),
    ...more,
    ...raceLines(experiment, page),
    ...behaviourLines(experiment, page),
    ...performanceLines(experiment, page),
    ...unstableLines(experiment, page),
    ...verdictLines(experiment, page),
    ...headlines.flatMap((text, index) => hang(`  headline ${told.runs[index]?.label}  `, text ?? '–', width)),
  ];
}

function raceLines({ races, otherOdds }: ToldExperiment, { told, width, style }: Page): string[] {
  const lines = races.flatMap(({ fact, isBehaviour, values, where, how, alike, mark: kept }) => {
    const [mark, color] = isBehaviour ? (['≠', 'red'] as const) : (['~', 'yellow'] as const);
    const also = alike.length === 0 ? '' : `; the same for ${someOf(alike, plainly, 2)}`;
    return [
      ...hang(`  ${mark} ${fact}  `, perRun(told, values), width, 4).map((line) => style(color, line)),
      ...hang('    ', `in ${whichText(where, plainly)} (${how}${also})${behind(kept)}`, width),
    ];
  });
  return otherOdds.length === 0
    ? lines
    : [...lines, ...hang('  ~ ', `other odds, too: ${otherOdds.join(', ')}`, width)];
}

const behaviourLines = ({ behaviour }: ToldExperiment, { told, width, style }: Page): string[] =>
  behaviour.flatMap(({ fact, values, how, where, alike, mark }) => [
    ...hang(`  ≠ ${fact}  `, perRun(told, values), width, 4).map((line) => style('red', line)),
    ...hang('    ', `in ${whichText(where, plainly)}${howText(how, alike, plainly)}${behind(mark)}`, width),
  ]);

function performanceLines({ performance, otherMeasured }: ToldExperiment, { width, style }: Page): string[] {
  const lines = performance.flatMap(({ fact, cell, runs, text }) => [
    ...hang(`  ~ ${fact}  `, `${runs.join(' → ')} ${text}`, width, 4).map((line) => style('yellow', line)),
    ...hang('    ', `in ${cell}`, width),
  ]);
  return otherMeasured === 0 ? lines : [...lines, ...hang('  ', othersText(otherMeasured), width)];
}

const unstableLines = ({ unstable }: ToldExperiment, { width, style }: Page): string[] =>
  unstable.flatMap(({ run, fact, cells }) =>
    hang('  unstable  ', `${fact} in run ${run} in ${someOf(cells, plainly, 2)}`, width, 4).map((line) =>
      style('yellow', line),
    ),
  );

function verdictLines({ verdicts: all }: ToldExperiment, { told, width, style }: Page): string[] {
  const name = ({ claims, text }: ToldVerdict): string =>
    text === undefined ? `${claims.length} claims` : `claim ${claims.join()}`;
  return all.flatMap((each) => [
    ...hang(`  ${name(each)}  `, perRun(told, each.verdicts), width, 4).map((line) => style('magenta', line)),
    ...hang('    ', `${each.text ?? each.claims.join(', ')}${behind(each.mark)}`, width),
  ]);
}

/** What a connection costs each kernel. */
const costLines = ({ told, width, style }: Page): string[] =>
  told.instructions.length === 0
    ? []
    : [
        style('bold', 'Instructions for each connection'),
        ...told.instructions.flatMap(({ way, values }) => hang(`  ${way}  `, perRun(told, values), width, 4)),
        ...hang('  ', instructionsText, width),
      ];

/** What the cells that ran again came to. */
const againLines = ({ told: { again }, width, style }: Page): string[] =>
  again === undefined
    ? []
    : [
        ...hang('', again.text, width).map((line) => style('bold', line)),
        ...again.flips.flatMap(({ fact = 'cell', run, first, again: then, cell }) =>
          hang(`  ${fact}  `, `${run} ${first}, then ${then} in ${cell}`, width, 4),
        ),
      ];

/** What the changes are that explain differences. */
function changeLines({ told: { changes }, width, style }: Page): string[] {
  if (changes.length === 0) return [];
  return [
    style('bold', 'Known changes of Linux'),
    ...changes.flatMap(({ since, note }) => hang(`  ${since}  `, note, width)),
  ];
}

/** Reasons of unobserved facts that are printed at most; the Markdown report has all. */
const mostReasons = 6;

function notComparableLines({ told: { oneSided, notComparable }, width, style }: Page): string[] {
  const { count, experiments: others } = notComparable;
  return [
    ...oneSided.flatMap(({ text, experiments }) => [
      ...hang('', text, width).map((line) => style(['bold', 'yellow'], line)),
      ...reasonLines(experiments, width),
    ]),
    ...(count > 0 ? [style('bold', `Not comparable (${count})`), ...reasonLines(others, width)] : []),
  ];
}

function reasonLines(folded: readonly NotComparableIn[], width: number): string[] {
  const all = folded.flatMap(({ items }) => items);
  const left = all.length - mostReasons;
  return [
    ...all.slice(0, mostReasons).flatMap((item) => hang('  ', `${whatText(item, plainly)} (${item.reason})`, width, 4)),
    ...(left > 0 ? [`  and ${plural(left, 'other group')} of them: \`--markdown\` has all`] : []),
  ];
}
