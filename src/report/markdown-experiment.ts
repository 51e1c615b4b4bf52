import type { Declaration } from '../facts/kinds.ts';
import type { ExperimentRecord, Run } from '../record/schema.ts';
import { answerOf } from './claims.ts';
import { type FactRow, type FactTable, factTable, shownFacts } from './fact-table.ts';
import { plural } from './format.ts';
import { type CellGroup, declaredFact, experimentOf, factOf, hzOf } from './gather.ts';
import { markdownClaims } from './markdown-claims.ts';
import { markdownPaths } from './markdown-paths.ts';
import { blocks, code, details, plain, sentence, table } from './markdown-text.ts';
import type { Overview, ReasonGroup } from './overview.ts';
import { whichCells } from './which-cells.ts';

/** A longer table opens on a click. */
const mostOpenRows = 40;

/** One experiment of a report: its question, answer, facts, claims, what did not run, and the ends' paths. */
export function markdownExperiment(
  experiment: ExperimentRecord,
  run: Run,
  groups: readonly CellGroup[],
  overview: Overview,
): string {
  const cells = groups.filter((cell) => cell.experiment === experiment.id);
  const facts = factTable(experiment, cells, hzOf(run));
  return blocks(
    `### ${experiment.id}`,
    `_${plain(experiment.question)}_`,
    `**${plain(answerOf(experiment))}**`,
    factsBlock(facts, experiment),
    markdownClaims(experiment.claims, cells),
    notRun('errored', overview.errored, experiment.id),
    notRun('unsupported', overview.unsupported, experiment.id),
    unknowns(facts, cells),
    markdownPaths(cells),
    experiment.file !== 'builtin' && `Its file: ${code(experiment.file)}.`,
  );
}

function factsBlock(facts: FactTable, experiment: ExperimentRecord): string {
  if (facts.rows.length === 0) return 'No cell ran.';
  const withRepeats = facts.rows.some(({ repeats, cells, race }) => race || repeats > cells.length);
  const head = [...facts.factors, ...facts.facts.map(code), ...(withRepeats ? ['repeats'] : [])];
  const rows = facts.rows.map((row) => [
    ...row.factors.map((value) => code(String(value))),
    ...row.values.map(plain),
    ...(withRepeats ? [repeatsOf(row)] : []),
  ]);
  const shown = table(head, rows, numericColumns(facts, experiment));
  return blocks(
    facts.rows.length > mostOpenRows ? details(`All ${plural(rows.length, 'row')} of facts`, shown) : shown,
    foldedLine(facts),
  );
}

const repeatsOf = ({ repeats, race }: FactRow): string => `${repeats}${race ? ' (race)' : ''}`;

function numericColumns({ facts, factors }: FactTable, experiment: ExperimentRecord): number[] {
  return facts.flatMap((name, index) =>
    declaredFact(name, experiment)?.type === 'number' ? [index + factors.length] : [],
  );
}

function foldedLine({ folded, constant }: FactTable): string {
  const same = folded.map(({ factor, values }) => `${code(factor)} (${values.map(String).join(', ')})`);
  const fixed = constant.map(({ factor, value }) => code(`${factor}=${value}`));
  const parts = [
    same.length > 0 &&
      `${listed(same)} made no difference to these facts, and ${same.length === 1 ? 'is' : 'are'} left out.`,
    fixed.length > 0 && `In all cells that ran: ${fixed.join(', ')}.`,
  ];
  return parts.filter(Boolean).join(' ');
}

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

function notRun(what: 'errored' | 'unsupported', reasons: readonly ReasonGroup[], experiment: string): string {
  const items = reasons.flatMap(({ reason, remedy, cells }) => {
    const own = cells.filter((id) => experimentOf(id) === experiment);
    if (own.length === 0) return [];
    const named = own.length === 1 ? code(own[0] as string) : `${plural(own.length, 'cell')}`;
    const all =
      own.length === 1 ? '' : `\n  ${details('which', own.map(code).join(', ')).replace(/\n(?!\n)/g, '\n  ')}`;
    return [`- ${named}: ${plain(sentence(reason))}${remedy ? ` _${plain(remedy)}_` : ''}${all}`];
  });
  return items.length === 0 ? '' : `**${what === 'errored' ? 'Errored' : 'Unsupported here'}**\n\n${items.join('\n')}`;
}

/** Why shown facts are unknown, the cells of each reason counted. */
function unknowns({ facts }: FactTable, cells: readonly CellGroup[]): string {
  const all = facts.flatMap((fact) =>
    cells.flatMap((cell) => {
      const without = cell.ran.find((record) => factOf(record, fact) === null);
      return without ? [{ fact, cell, why: without.unknown[fact] ?? 'no reason was recorded' }] : [];
    }),
  );
  const items = [...Map.groupBy(all, ({ fact, why }) => JSON.stringify([fact, why])).values()].map((group) => {
    const [{ fact, why }] = group as [(typeof all)[number]];
    return `- ${code(fact)} in ${whichCells(
      group.map(({ cell }) => cell),
      cells,
      code,
    )}: ${plain(why)}`;
  });
  return items.length === 0 ? '' : `**Unknown**\n\n${items.join('\n')}`;
}

/** What each fact that this report shows says, and how it is compared between runs. */
export function glossary(experiments: readonly ExperimentRecord[]): string {
  const lines = experiments.flatMap((experiment) =>
    shownFacts(experiment).map((name) => {
      const fact = declaredFact(name, experiment);
      const says = plain(fact?.text ?? `a fact of ${experiment.id}'s own`);
      return `- ${code(name)}: ${says}; ${fact ? comparedHow(fact) : 'undeclared'}`;
    }),
  );
  return lines.length === 0 ? '' : details('What the columns say', [...new Set(lines)].join('\n'));
}

function comparedHow({ compare, resolution, unit }: Declaration): string {
  if (compare === 'exact') return 'compared exactly';
  if (compare === 'race') return 'compared as a distribution over repeats';
  if (compare === 'measurement') return 'measured: the median over repeats, compared by statistics only';
  const within =
    resolution === 'timer' ? "one slot of the kernel's timer wheel" : `${resolution ?? 0} ${unit ?? ''}`.trim();
  return `the median over repeats, the same within ${within}`;
}
