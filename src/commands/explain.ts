import { resolve } from 'node:path';
import { searchOf } from '../catalogue/search.ts';
import { type AnyDefinition, type LoadedExperiment, rolesOf } from '../experiment/definition.ts';
import { ofAnyEnd, withoutRole } from '../facts/roles.ts';
import { declarationOf } from '../facts/table.ts';
import { cellsOf } from '../plan/cells.ts';
import type { Declaration } from '../record/fact.ts';
import { hang } from '../report/terminal/lines.ts';
import { declaredBy } from '../verdict/asked.ts';
import { experimentsFor } from './experiments.ts';
import { answer, answerJson, columnsOf } from './output.ts';
import { foundFor } from './words.ts';

interface Named {
  readonly id: string;
  readonly text: string;
  readonly source: string;
}

/**
 * `lingerlab explain ID`: what an experiment asks, varies, measures and claims. Words that are no id and no file: which experiments
 * are about them. Throws UNKNOWN_EXPERIMENT where none is.
 */
export async function explain(words: readonly string[], { json }: { readonly json: boolean }): Promise<void> {
  const [id = ''] = words;
  const known = await experimentsFor(words.length === 1 ? words : []);
  const found =
    words.length === 1 ? known.find(({ definition, file }) => definition.id === id || file === resolve(id)) : undefined;
  if (found) return json ? answerJson(declared(found)) : answer(explained(found));
  const about = foundFor(words.join(' '), searchOf(await experimentsFor([]))).map(({ definition }) => definition);
  if (json)
    return answerJson({
      words: words.join(' '),
      experiments: about.map(({ id: name, question }) => ({ id: name, question })),
    });
  answer(wordsText(words.join(' '), about));
}

/** The experiments about some words, with their questions. */
function wordsText(words: string, about: readonly AnyDefinition[]): string {
  return [
    `no experiment has the id "${words}"; these are about it, the best match first:`,
    '',
    ...about.flatMap(({ id, question }) => hang(`  ${id}: `, question, columnsOf(process.stdout), 4)),
    '',
    `lingerlab explain ${about[0]?.id} prints all about the first.`,
  ].join('\n');
}

const claimsOf = ({ claims }: AnyDefinition) => claims as readonly Named[];
const acrossOf = ({ across = [] }: AnyDefinition) => across as readonly Named[];

/** What an experiment declares, as data. */
function declared({ definition, file }: LoadedExperiment) {
  const plain = (all: readonly Named[]) => all.map(({ id, text, source }) => ({ id, text, source }));
  const { id, question, tags = [], symptoms = [], factors } = definition;
  return {
    id,
    question,
    tags,
    symptoms,
    file,
    factors,
    facts: declaredBy(definition),
    claims: plain(claimsOf(definition)),
    across: plain(acrossOf(definition)),
  };
}

/** What an experiment declares, for a reader. */
function explained({ definition }: LoadedExperiment): string {
  const cells = cellsOf(definition);
  const usual = cells.filter(({ isDefault }) => isDefault).length;
  const rare = cells.filter(({ isRare }) => isRare).length;
  const across = acrossOf(definition);
  const { id, question, tags = [], symptoms = [], factors, shows = [], whenNamed } = definition;
  const claimLines = (all: readonly Named[]) =>
    all.flatMap(({ id: name, text, source }) => [`  ${name}: ${text}`, `    ${source}`]);
  const listed = (head: string, words: readonly string[]) =>
    words.length === 0 ? [] : hang(`${head}: `, words.join(', '), columnsOf(process.stdout), 2);
  return [
    `${id}: ${question}`,
    ...listed('tags', tags),
    ...listed('symptoms', symptoms),
    '',
    'factors',
    ...Object.entries(factors as Record<string, readonly unknown[]>).map(
      ([name, values]) => `  ${name} = ${values.join(', ')}`,
    ),
    `  ${cells.length} cells, ${usual} ${whenNamed === true ? 'run where it is named' : 'in the default matrix'}${rare > 0 ? `, ${cells.length - rare} with --all; the others where --where or a pattern names values` : ''}`,
    '',
    'facts shown',
    ...shows.map((name) => `  ${String(name)}: ${textOf(String(name), definition)}`),
    '',
    'claims of each cell',
    ...claimLines(claimsOf(definition)),
    ...(across.length > 0 ? ['', 'claims over all cells', ...claimLines(across)] : []),
  ].join('\n');
}

/** What a fact says, whichever end has its role. */
function textOf(name: string, definition: AnyDefinition): string {
  const declared: Readonly<Record<string, Declaration>> = declaredBy(definition);
  const any = withoutRole(name, ofAnyEnd(rolesOf(definition)));
  return declarationOf(any, declared)?.text ?? "a fact of the experiment's own";
}
