import { formatCount } from '../../facts/values.ts';
import { type AnswerView, writtenThen } from '../model/answer.ts';
import { type ClaimView, type OpenClaims, verdictMarks } from '../model/claims.ts';
import type { Described, ExperimentView, Glossary, NotRun, OptionsSet, Unknown } from '../model/report.ts';
import { whichText } from '../which-cells.ts';
import { markdownCells, markdownFacts } from './facts.ts';
import { markdownLoad } from './load.ts';
import { markdownLosses, markdownPaths } from './paths.ts';
import { blocks, code, details, plain, sentence, table } from './text.ts';

/** One experiment of a report: its question, answer, facts, claims, what did not run, and the ends' paths. */
export const markdownExperiment = (experiment: ExperimentView): string =>
  blocks(
    `### ${experiment.id}`,
    `_${plain(experiment.question)}_`,
    markdownAnswer(experiment.answer),
    experiment.load && markdownLoad(experiment.load),
    showsBesides(experiment) && markdownFacts(experiment.facts),
    markdownClaims(experiment.claims, experiment.open),
    notRun('Errored', experiment.errored),
    notRun('Unsupported here', experiment.unsupported),
    unknowns(experiment.unknown),
    optionsSet(experiment.options),
    experiment.losses && markdownLosses(experiment.losses),
    experiment.paths && markdownPaths(experiment.paths),
    markdownCells(experiment.facts),
    experiment.file !== undefined && `Its file: ${code(experiment.file)}.`,
  );

/** The headline with its findings; an older version's paragraph as it was written then. */
export const markdownAnswer = ({ headline, findings, asWrittenThen, without }: AnswerView): string =>
  blocks(
    asWrittenThen ? `${plain(headline)} _(${writtenThen})_` : `**${plain(headline)}**`,
    findings.map(({ number, text }) => `- **${plain(number)}**: ${plain(text)}`).join('\n'),
    without !== undefined && `${plain(without)}.`,
  );

/** Whether an experiment shows facts that no table of its load has; the letters of outcomes need their table. */
function showsBesides({ load, facts }: ExperimentView): boolean {
  if (!load) return true;
  const shown = new Set([...load.facts, ...load.series.map(({ fact }) => fact), ...(load.costs?.facts ?? [])]);
  return facts.outcomes !== undefined || facts.facts.some((name) => !shown.has(name));
}

/** So many different details of a claim's verdict are told. */
const mostDetails = 6;

/** Claims with their verdicts and sources, refuted first; under them the cells that refute or cannot decide them. */
function markdownClaims(claims: readonly ClaimView[], open: readonly OpenClaims[]): string {
  if (claims.length === 0) return '';
  const rows = claims.map(({ id, text, source, verdict, share }) => [
    verdict === 'confirmed' ? verdictMarks.confirmed : `${verdictMarks[verdict]} **${verdict}**`,
    `${plain(text)} (${code(id)})`,
    plain(source),
    share,
  ]);
  return blocks(table(['', 'claim', 'source', 'in'], rows), ...open.map(whyOpen));
}

/** Why a claim is refuted or inconclusive, or several are for the same reason. */
function whyOpen({ verdict, claims, where, reasons }: OpenClaims): string {
  const names = claims.map(({ id }) => code(id)).join(', ');
  const inCells = where ? ` in ${whichText(where, code)}` : '';
  const head = `${verdictMarks[verdict]} ${names} ${claims.length > 1 ? 'are' : 'is'} ${verdict}${inCells}`;
  if (reasons.length === 0) return head;
  if (reasons.length === 1) return `${head}: ${plain(reasons[0]?.detail ?? '')}`;
  const items = reasons
    .slice(0, mostDetails)
    .map(({ detail, where: same }) => `- ${plain(detail)}: ${whichText(same, code)}`);
  if (reasons.length > mostDetails) items.push(`- and ${formatCount(reasons.length - mostDetails)} more`);
  return `${head}\n\n${items.join('\n')}`;
}

const listed = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `**${title}**\n\n${items.join('\n')}`;

const notRun = (title: string, reasons: readonly NotRun[]): string =>
  listed(
    title,
    reasons.map(({ where, reason, remedy }) => {
      const help = remedy ? ` _${plain(remedy)}_` : '';
      return `- ${whichText(where, code)}: ${plain(sentence(reason))}${help}`;
    }),
  );

/** Why shown facts are unknown. */
const unknowns = (all: readonly Unknown[]): string =>
  listed(
    'Unknown',
    all.map(({ fact, where, why }) => `- ${code(fact)} in ${whichText(where, code)}: ${plain(why)}`),
  );

/** Which socket options scenarios set, with what the kernel kept. */
const optionsSet = (all: readonly OptionsSet[]): string =>
  listed(
    'Socket options set',
    all.map(({ fact, where, set }) => `- ${code(fact)} in ${whichText(where, code)}: ${plain(set)}`),
  );

/** What each fact that a report shows says, and how it is compared between runs: an experiment's own below its name. */
export function glossary({ common, own }: Glossary): string {
  const body = blocks(
    common.map(described).join('\n'),
    ...own.map(({ experiment, facts }) => `**${plain(experiment)}**\n\n${facts.map(described).join('\n')}`),
  );
  return body === '' ? '' : details('What the columns say', body);
}

const described = (fact: Described): string =>
  `- ${code(fact.name)}: ${plain(fact.text ?? 'it has no description')}; ${comparedHow(fact)}`;

function comparedHow({ compare, resolution, unit }: Described): string {
  if (compare === undefined) return 'undeclared';
  if (compare === 'exact') return 'compared exactly';
  if (compare === 'race') return 'compared as a distribution over repeats';
  if (compare === 'measurement') return 'measured: the median over repeats, compared by statistics only';
  const within =
    resolution === 'timer' ? "one slot of the kernel's timer wheel" : `${resolution ?? 0} ${unit ?? ''}`.trim();
  return `the median over repeats, the same within ${within}`;
}
