import { formatCount } from '../../facts/values.ts';
import { plural, sentence } from '../format.ts';
import { writtenThen } from '../model/answer.ts';
import { type ClaimView, type OpenClaims, verdictMarks } from '../model/claims.ts';
import { hasCells } from '../model/facts-wording.ts';
import type { ExperimentView, NotRun } from '../model/report.ts';
import { whichText } from '../which-cells.ts';
import { besideReport, chartName } from './drawings.ts';
import { headText, markdownFacts } from './facts.ts';
import { markdownLoad } from './load.ts';
import { findingAnchor, pageName } from './page.ts';
import { markdownPaths } from './paths.ts';
import { blocks, code, link, plain, table } from './text.ts';

/** One experiment of a report: its answer, facts, claims, what did not run, and the ends' paths; its page has long lists. */
export const markdownExperiment = (experiment: ExperimentView, drawn: ReadonlySet<string>): string =>
  blocks(
    `### ${experiment.id}`,
    `_${plain(experiment.question)}_`,
    markdownAnswer(experiment),
    experiment.load &&
      markdownLoad(experiment.load, drawn.has(chartName(experiment.id)) ? chartName(experiment.id) : undefined),
    showsBesides(experiment) && markdownFacts(experiment.facts),
    markdownClaims(experiment.claims, experiment.open),
    notRun('Errored', experiment.errored),
    notRun('Unsupported here', experiment.unsupported),
    markdownPaths(experiment, drawn, pageOf(experiment)),
    onPage(experiment),
    experiment.file !== undefined && `Its file: ${code(experiment.file)}.`,
  );

const pageOf = ({ id }: ExperimentView): string => `${besideReport}/${pageName(id)}`;

/** A load's table says the most: so many findings stand above it. */
const mostOfLoad = 3;

/** The headline with its findings, each with a link to the results that it rests on; an older version's paragraph as it was written then. */
function markdownAnswer(experiment: ExperimentView): string {
  const { answer, rests, load } = experiment;
  const { headline, findings, asWrittenThen, without } = answer;
  const shown = load ? findings.slice(0, mostOfLoad) : findings;
  const numberOf = (index: number, number: string): string =>
    rests[index]?.results ? link(plain(number), `${pageOf(experiment)}#${findingAnchor(index)}`) : plain(number);
  return blocks(
    asWrittenThen ? `${plain(headline)} _(${writtenThen})_` : `**${plain(headline)}**`,
    shown.map(({ number, text }, index) => `- **${numberOf(index, number)}**: ${plain(text)}`).join('\n'),
    without !== undefined && `${plain(without)}.`,
  );
}

/** What only the experiment's page has. */
function onPage(experiment: ExperimentView): string {
  const { facts, columns, losses, unknown, options, answer, load, words } = experiment;
  const more = load ? answer.findings.length - mostOfLoad : 0;
  const parts: [boolean, string, string][] = [
    [more > 0, plural(more, 'more finding'), findingAnchor(mostOfLoad)],
    [columns.length > 0, 'what the columns say', 'columns'],
    [hasCells(facts), 'every cell', 'every-cell'],
    [words !== undefined, 'what the factors mean', 'factors'],
    [losses !== undefined, 'what was lost', 'what-was-lost'],
    [unknown.length > 0, 'which facts are unknown, and why', 'unknown'],
    [options.length > 0, 'socket options set', 'socket-options-set'],
  ];
  const links = parts.flatMap(([has, text, anchor]) => (has ? [link(text, `${pageOf(experiment)}#${anchor}`)] : []));
  return links.length === 0 ? '' : `More: ${links.join(' · ')}.`;
}

/** Whether an experiment shows facts that no table of its load has; the letters of outcomes need their table. */
function showsBesides({ load, facts }: ExperimentView): boolean {
  if (!load) return true;
  const shown = new Set([...load.facts, ...load.series.map(({ fact }) => fact), ...(load.costs?.facts ?? [])]);
  return facts.outcomes !== undefined || facts.facts.some((name) => !shown.has(name));
}

/** Different details of a claim's verdict that are shown at most. */
const mostDetails = 6;

/** Claims with their verdicts and sources, refuted first; under them the cells that refute or cannot decide them. */
function markdownClaims(claims: readonly ClaimView[], open: readonly OpenClaims[]): string {
  if (claims.length === 0) return '';
  const observes = claims.some(({ observed }) => observed !== undefined);
  const rows = claims.map(({ id, text, source, verdict, share, observed = [] }) => [
    verdict === 'confirmed' ? verdictMarks.confirmed : `${verdictMarks[verdict]} **${verdict}**`,
    `${plain(text)} (${code(id)})`,
    plain(source),
    share,
    ...(observes
      ? [
          observed
            .map(({ is, ...fact }) => `${headText(fact)}${fact.label === undefined ? '' : ':'} ${plain(is)}`)
            .join('<br>'),
        ]
      : []),
  ]);
  return blocks(table(['', 'claim', 'source', 'in', ...(observes ? ['observed'] : [])], rows), ...open.map(whyOpen));
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
