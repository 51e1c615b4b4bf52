import { declarations } from '../../facts/table.ts';
import type { Declaration } from '../../record/fact.ts';
import type { ClaimRecord, ExperimentRecord, Run } from '../../record/schema.ts';
import { formatCount } from '../format.ts';
import { type CellGroup, declaredFact, experimentOf, factOf, hzOf, whyUnknown } from '../gather.ts';
import {
  answerOf,
  brief,
  cellsWith,
  openTogether,
  orderClaims,
  reasonsOf,
  tally,
  verdictMarks,
} from '../model/claims.ts';
import { type FactTable, shownFacts } from '../model/fact-table.ts';
import type { Overview, ReasonGroup } from '../model/overview.ts';
import { whichCells } from '../which-cells.ts';
import { gatherFacts, markdownCells, markdownFacts } from './facts.ts';
import { markdownLoad } from './load.ts';
import { markdownLosses } from './losses.ts';
import { markdownPaths } from './paths.ts';
import { blocks, code, details, plain, sentence, table } from './text.ts';

/** One experiment of a report: its question, answer, facts, claims, what did not run, and the ends' paths. */
export function markdownExperiment(
  experiment: ExperimentRecord,
  run: Run,
  groups: readonly CellGroup[],
  overview: Overview,
): string {
  const cells = groups.filter((cell) => cell.experiment === experiment.id);
  const planned = plannedCells(experiment, run);
  const facts = gatherFacts(experiment, cells, hzOf(run));
  return blocks(
    `### ${experiment.id}`,
    `_${plain(experiment.question)}_`,
    `**${plain(answerOf(experiment))}**`,
    markdownLoad(experiment, cells) || markdownFacts(facts, experiment, cells),
    markdownClaims(experiment.claims, cells),
    notRun('errored', overview.errored, planned),
    notRun('unsupported', overview.unsupported, planned),
    unknowns(facts.table, cells),
    markdownLosses(experiment, facts.table.facts, cells),
    markdownPaths(cells, facts.outcomes),
    markdownCells(facts, experiment),
    !experiment.file.startsWith('builtin') && `Its file: ${code(experiment.file)}.`,
  );
}

function notRun(what: 'errored' | 'unsupported', reasons: readonly ReasonGroup[], all: readonly Planned[]): string {
  const items = reasons.flatMap(({ reason, remedy, cells }) => {
    const own = all.filter(({ id }) => cells.includes(id));
    if (own.length === 0) return [];
    return [`- ${whichCells(own, all, code)}: ${plain(sentence(reason))}${remedy ? ` _${plain(remedy)}_` : ''}`];
  });
  return items.length === 0 ? '' : `**${what === 'errored' ? 'Errored' : 'Unsupported here'}**\n\n${items.join('\n')}`;
}

interface Planned {
  readonly id: string;
  readonly factors: Readonly<Record<string, string>>;
}

/** The experiment's cells, whether or not they ran: factor values as their ids have them. */
function plannedCells({ id: experiment }: ExperimentRecord, { run, cells }: Run): Planned[] {
  const ids = new Set([...run.plan, ...run.notRun.map(({ id }) => id), ...cells.map(({ id }) => id)]);
  return [...ids]
    .filter((id) => experimentOf(id) === experiment)
    .map((id) => {
      const pairs = id
        .slice(experiment.length + 1)
        .split(',')
        .filter(Boolean);
      return { id, factors: Object.fromEntries(pairs.map((pair) => pair.split('=', 2) as [string, string])) };
    });
}

/** Why shown facts are unknown, the cells of each reason counted. */
function unknowns({ facts }: FactTable, cells: readonly CellGroup[]): string {
  const all = facts.flatMap((fact) =>
    cells.flatMap((cell) => {
      const without = cell.ran.find((record) => factOf(record, fact) === null);
      return without ? [{ fact, cell, why: whyUnknown(without, fact) ?? 'no reason was recorded' }] : [];
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

/** What each fact that this report shows says, and how it is compared between runs: an experiment's own below its name. */
export function glossary(experiments: readonly ExperimentRecord[]): string {
  const common = new Set<string>();
  const own = experiments.map((experiment) => {
    const lines = shownFacts(experiment).flatMap((name) => {
      const fact = declaredFact(name, experiment);
      const line = `- ${code(name)}: ${plain(fact?.text ?? 'it has no description')}; ${fact ? comparedHow(fact) : 'undeclared'}`;
      if (!isCommon(name)) return [line];
      common.add(line);
      return [];
    });
    return lines.length === 0 ? '' : `**${plain(experiment.id)}**\n\n${lines.join('\n')}`;
  });
  const body = blocks([...common].join('\n'), ...own);
  return body === '' ? '' : details('What the columns say', body);
}

const everyones = declarations();

/** Whether it means the same in every experiment: it is a fact of connections, or a counter's. */
const isCommon = (name: string): boolean =>
  name.startsWith('counters.') || name in everyones || name.replace(/^[^.]+\./, '') in everyones;

function comparedHow({ compare, resolution, unit }: Declaration): string {
  if (compare === 'exact') return 'compared exactly';
  if (compare === 'race') return 'compared as a distribution over repeats';
  if (compare === 'measurement') return 'measured: the median over repeats, compared by statistics only';
  const within =
    resolution === 'timer' ? "one slot of the kernel's timer wheel" : `${resolution ?? 0} ${unit ?? ''}`.trim();
  return `the median over repeats, the same within ${within}`;
}

/** So many different details of a claim's verdict are told. */
const mostDetails = 6;

/** Claims with their verdicts and sources, refuted first; under them the cells that refute or cannot decide them. */
export function markdownClaims(claims: readonly ClaimRecord[], cells: readonly CellGroup[]): string {
  if (claims.length === 0) return '';
  const ordered = orderClaims(claims);
  const rows = ordered.map((claim) => [
    claim.verdict === 'confirmed' ? verdictMarks.confirmed : `${verdictMarks[claim.verdict]} **${claim.verdict}**`,
    `${plain(claim.text)} (${code(claim.id)})`,
    plain(claim.source),
    tally(claim),
  ]);
  return blocks(
    table(['', 'claim', 'source', 'in'], rows),
    ...openTogether(claims).map((same) => whyOpen(same, cells)),
  );
}

/** Why a claim is refuted or inconclusive, or several are for the same reason. */
function whyOpen(claims: readonly ClaimRecord[], cells: readonly CellGroup[]): string {
  const [claim] = claims as readonly [ClaimRecord];
  const mark = verdictMarks[claim.verdict];
  if (claims.length > 1)
    return `${mark} ${claims.map(({ id }) => code(id)).join(', ')} are ${claim.verdict}: ${plain(brief(claim.detail))}`;
  const where = cellsWith(cells, claim.id, claim.verdict).map(({ cell }) => cell);
  const inCells = where.length === 0 ? '' : ` in ${whichCells(where, cells, code)}`;
  const head = `${mark} ${code(claim.id)} is ${claim.verdict}${inCells}`;
  const reasons = reasonsOf(claim, cells);
  if (reasons.length === 0) return head;
  if (reasons.length === 1) return `${head}: ${plain(reasons[0]?.detail ?? '')}`;
  const items = reasons
    .slice(0, mostDetails)
    .map(({ detail, cells: same }) => `- ${plain(detail)}: ${whichCells(same, cells, code)}`);
  if (reasons.length > mostDetails) items.push(`- and ${formatCount(reasons.length - mostDetails)} more`);
  return `${head}\n\n${items.join('\n')}`;
}
