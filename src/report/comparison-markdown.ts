import type { ComparedExperiment, Comparison } from './comparison.ts';
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
import { alert, blocks, code, details, plain, table } from './markdown-text.ts';

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
  const folded = foldDifferences(own(comparison.differences), experiment.cells);
  const behaviour = folded.map(({ fact, values, how, cells }) => [
    code(fact),
    ...values.map(plain),
    inCells(cells, experiment.cells, code) + (how === '' ? '' : ` (${how})`),
  ]);
  const performance = own(comparison.measurements).map((each) => [
    code(each.fact),
    each.runs.join(' → '),
    plain(performanceWords(each)),
    code(each.cell),
  ]);
  const unstable = own(comparison.unstable).map(
    (each) => `- Unstable: ${code(each.fact)} in ${code(each.cell)}: ${plain(unstableWords(each))}`,
  );
  const verdicts = own(comparison.verdicts).map(({ claim, text, verdicts: made }) => [
    `${plain(text)} (${code(claim)})`,
    ...made.map((verdict) => verdict ?? '–'),
  ]);
  const parts = [
    behaviour.length > 0 && table(['fact', ...labels(comparison), 'in'], behaviour),
    performance.length > 0 && table(['measured', 'runs', 'medians', 'in'], performance),
    unstable.join('\n'),
    verdicts.length > 0 && table(['claim', ...labels(comparison)], verdicts),
  ];
  if (!parts.some(Boolean)) return '';
  return blocks(`## ${experiment.id}`, `_${plain(experiment.question)}_`, ...parts, answers(experiment, comparison));
}

function answers({ answers: all }: ComparedExperiment, comparison: Comparison): string {
  if (new Set(all.filter((answer) => answer !== null)).size < 2) return '';
  return all.map((answer, index) => `- Answer of ${labels(comparison)[index]}: ${plain(answer ?? '–')}`).join('\n');
}

function notComparable({ notComparable: all }: Comparison): string {
  const folded = foldNotComparable(all, code);
  if (folded.length === 0) return '';
  return details(
    `Not comparable (${all.length})`,
    folded.map(({ reason, what }) => `- ${what}: ${plain(reason)}`).join('\n'),
  );
}
