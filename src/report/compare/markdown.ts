import { alert, blocks, code, details, plain, table } from '../markdown/text.ts';
import { someOf } from '../which-cells.ts';
import type {
  BehaviourDifference,
  ComparedExperiment,
  Comparison,
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

/** A comparison as GitHub renders it. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { runs } = comparison;
  const notes = cautions(comparison);
  return `${blocks(
    `# ${runs.map(({ setting, label }) => `${label}: ${plain(setting[1] ?? setting[0] ?? '')}`).join(', ')}`,
    `**${plain(headline(comparison))}**`,
    notes.length > 0 && alert('WARNING', notes.map(plain).join('\n\n')),
    table(
      ['run', 'folder', 'setting', 'began'],
      runs.map((run) => [run.label, code(run.folder), plain(run.setting.join(', ')), run.startedAt ?? '–']),
    ),
    environment(comparison),
    ...comparison.experiments.map((experiment) => experimentBlock(experiment, comparison)),
    notComparable(comparison),
    extent(comparison).map(plain).join(' '),
  )}\n`;
}

const labels = ({ runs }: Comparison): string[] => runs.map(({ label }) => label);

function environment(comparison: Comparison): string {
  const { environment: all } = comparison;
  const shown = (value: string | null): string => (value === null || value === '' ? '–' : plain(value));
  const rows = all.map(({ name, values }) => [code(name), ...values.map(shown)]);
  if (rows.length === 0) return 'The machines, programs and settings do not differ.';
  return details(
    `The runs differ in ${rows.length} of their machines' properties and settings`,
    table(['', ...labels(comparison)], rows),
  );
}

function experimentBlock(experiment: ComparedExperiment, comparison: Comparison): string {
  const own = <T extends { readonly experiment: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.experiment === experiment.id);
  const parts = [
    raceTable(own(comparison.races), experiment, comparison),
    behaviourTable(own(comparison.differences), experiment, comparison),
    performanceTable(own(comparison.measurements)),
    unstableList(own(comparison.unstable)),
    verdictTable(own(comparison.verdicts), comparison),
  ];
  if (!parts.some(Boolean)) return '';
  return blocks(`## ${experiment.id}`, `_${plain(experiment.question)}_`, ...parts, answers(experiment, comparison));
}

const titled = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : table(head, rows);

function raceTable(races: readonly RaceDifference[], { cells }: ComparedExperiment, comparison: Comparison): string {
  const { told, others } = racesToTell(races);
  const rows = told.map((race) => [
    code(race.fact),
    ...raceValues(race).map(plain),
    `${inCells(cellsNamed(race.cells, cells), cells, code)} (${raceWords(race, code)})`,
  ]);
  return blocks(
    titled(['race', ...labels(comparison), ''], rows),
    others.length > 0 && `Other odds, too: ${others.map(code).join(', ')}.`,
  );
}

function behaviourTable(
  differences: readonly BehaviourDifference[],
  { cells }: ComparedExperiment,
  comparison: Comparison,
): string {
  const rows = foldDifferences(differences, cells).map(({ fact, values, how, cells: own }) => [
    code(fact),
    ...values.map(plain),
    inCells(own, cells, code) + (how === '' ? '' : ` (${how})`),
  ]);
  return titled(['fact', ...labels(comparison), ''], rows);
}

function performanceTable(measurements: readonly PerformanceDifference[]): string {
  const { told, left } = strongest(measurements);
  const rows = told.map((each) => [
    code(each.fact),
    each.runs.join(' → '),
    plain(performanceWords(each)),
    code(each.cell),
  ]);
  return blocks(titled(['measured', 'runs', 'medians', 'in'], rows), left);
}

function unstableList(all: readonly Unstable[]): string {
  const items = foldUnstable(all).map(
    ({ fact, run, cells }) => `- Unstable in run ${run}: ${code(fact)} in ${someOf(cells, code, 2)}`,
  );
  return items.join('\n');
}

function verdictTable(differences: readonly VerdictDifference[], comparison: Comparison): string {
  const { told, open } = foldVerdicts(differences);
  const rows = [
    ...told.map(({ claim, text, verdicts }) => [`${plain(text)} (${code(claim)})`, ...verdicts]),
    ...open.map(({ claims, verdicts }) => [claims.map(code).join(', '), ...verdicts]),
  ];
  return titled(
    ['claim', ...labels(comparison)],
    rows.map((row) => row.map((verdict) => verdict ?? '–')),
  );
}

function answers({ answers: all }: ComparedExperiment, comparison: Comparison): string {
  if (new Set(all.filter((answer) => answer !== null)).size < 2) return '';
  return all.map((answer, index) => `- Answer of ${labels(comparison)[index]}: ${plain(answer ?? '–')}`).join('\n');
}

function notComparable({ notComparable: all }: Comparison): string {
  const { oneSided, others } = splitNotComparable(all);
  return blocks(
    ...oneSided.flatMap(({ text, all: own }) => [
      `**${plain(text)}**`,
      details('Which, and why', byExperiment(foldNotComparable(own, code))),
    ]),
    others.length > 0 && details(`Not comparable (${others.length})`, byExperiment(foldNotComparable(others, code))),
  );
}

const byExperiment = (folded: readonly NotComparableIn[]): string =>
  blocks(
    ...folded.map(({ experiment, count, items }) =>
      details(`${experiment} (${count})`, items.map(({ reason, what }) => `- ${what}: ${plain(reason)}`).join('\n')),
    ),
  );
