import { plural } from '../format.ts';
import {
  comparedHow,
  type Described,
  type ExperimentView,
  type OptionsSet,
  type Report,
  type Unknown,
} from '../model/report.ts';
import type { Rests } from '../model/rests.ts';
import { whichText } from '../which-cells.ts';
import { markdownCells } from './facts.ts';
import { markdownLosses, pathList } from './paths.ts';
import { blocks, code, plain } from './text.ts';

/** The name of the page that has an experiment's long lists. */
export const pageName = (experiment: string): string => `${experiment}.md`;

/** Where a page has a finding, counted from 0. */
export const findingAnchor = (index: number): string => `finding-${index + 1}`;

/** What is too long for the report: for each experiment a page that the report links to, by name. */
export const experimentPages = ({ experiments }: Report, drawn: ReadonlySet<string>): [string, string][] =>
  experiments.flatMap((experiment): [string, string][] => {
    const body = pageBody(experiment, drawn);
    if (body === '') return [];
    const back = `[The report](../report.md#${experiment.id})`;
    return [
      [pageName(experiment.id), `${blocks(`# ${experiment.id}`, `_${plain(experiment.question)}_`, back, body)}\n`],
    ];
  });

const pageBody = (experiment: ExperimentView, drawn: ReadonlySet<string>): string =>
  blocks(
    ...experiment.answer.findings.map(({ number, text }, index) =>
      blocks(`## Finding ${index + 1}`, `**${plain(number)}**: ${plain(text)}`, restsText(experiment.rests[index])),
    ),
    listed('Columns', experiment.columns.map(described)),
    markdownCells(experiment.facts),
    factors(experiment),
    experiment.losses && markdownLosses(experiment.losses),
    experiment.paths && pathList(experiment, drawn),
    unknowns(experiment.unknown),
    optionsSet(experiment.options),
  );

/** What each factor and its values mean. */
function factors({ words = {} }: ExperimentView): string {
  const items = Object.entries(words).flatMap(([factor, { text, values }]) => [
    `- ${code(factor)}: ${plain(text)}`,
    ...Object.entries(values).map(([value, own]) => `  - ${code(value)}: ${plain(own)}`),
  ]);
  return listed('Factors', items);
}

/** What a fact says, and how it is compared between runs. */
const described = (fact: Described): string =>
  `- ${nameText(fact)}: ${plain(fact.text ?? 'it has no description')}; ${comparedHow(fact)}`;

/** The name of a fact, after its label where a column has that. */
const nameText = ({ name, label }: Described): string =>
  label === undefined ? code(name) : `${plain(label)} (${code(name)})`;

/** The results that a finding rests on. */
function restsText(rests: Rests | undefined): string {
  if (!rests || rests.parts.length === 0) return '';
  const [only] = rests.parts;
  const count =
    rests.results === rests.of ? `all ${rests.of} results` : `${rests.results} of ${plural(rests.of, 'result')}`;
  if (only && rests.parts.length === 1 && !only.repeats)
    return `It rests on ${count}: ${whichText(only.where, code, 200)}.`;
  const items = rests.parts.map(({ where, repeats }) => {
    const which = repeats ? `, ${repeats.length === 1 ? 'repeat' : 'repeats'} ${repeats.join(', ')}` : '';
    return `- ${whichText(where, code, 200)}${which}`;
  });
  return `It rests on ${count}:\n\n${items.join('\n')}`;
}

const listed = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `## ${title}\n\n${items.join('\n')}`;

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
