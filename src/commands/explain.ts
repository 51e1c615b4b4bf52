import { resolve } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { type AnyDefinition, rolesOf } from '../experiment/definition.ts';
import { ofAnyEnd, withoutRole } from '../facts/roles.ts';
import { declarationOf } from '../facts/table.ts';
import { cellsOf } from '../plan/cells.ts';
import type { Declaration } from '../record/fact.ts';
import { didYouMean } from '../text/nearest.ts';
import { declaredBy } from '../verdict/asked.ts';
import { experimentsFor } from './experiments.ts';
import { answer, answerJson } from './output.ts';

interface Named {
  readonly id: string;
  readonly text: string;
  readonly source: string;
}

/** `lingerlab explain ID`: what an experiment asks, varies, measures and claims. Throws UNKNOWN_EXPERIMENT. */
export async function explain(id: string, { json }: { readonly json: boolean }): Promise<void> {
  const known = await experimentsFor([id]);
  const found = known.find(({ definition, file }) => definition.id === id || file === resolve(id));
  if (!found) {
    const ids = known.map(({ definition }) => definition.id);
    throw new LingerlabError(
      'UNKNOWN_EXPERIMENT',
      `no experiment "${id}"${didYouMean(id, ids)}`,
      `one of: ${ids.join(', ')}`,
    );
  }
  const { definition, file } = found;
  const claims = definition.claims as readonly Named[];
  const across = (definition.across ?? []) as readonly Named[];
  const facts = declaredBy(definition);
  if (json) {
    const plain = (all: readonly Named[]) => all.map(({ id: name, text, source }) => ({ id: name, text, source }));
    const { factors, question } = definition;
    return answerJson({
      id: definition.id,
      question,
      file,
      factors,
      facts,
      claims: plain(claims),
      across: plain(across),
    });
  }
  const cells = cellsOf(definition);
  const claimLines = (all: readonly Named[]) =>
    all.flatMap(({ id: name, text, source }) => [`  ${name}: ${text}`, `    ${source}`]);
  answer(
    [
      `${definition.id}: ${definition.question}`,
      '',
      'factors',
      ...Object.entries(definition.factors as Record<string, readonly unknown[]>).map(
        ([name, values]) => `  ${name} = ${values.join(', ')}`,
      ),
      `  ${cells.length} cells, ${cells.filter(({ isDefault }) => isDefault).length} ${definition.whenNamed ? 'run where it is named' : 'in the default matrix'}`,
      '',
      'facts shown',
      ...(definition.shows ?? []).map((name) => `  ${String(name)}: ${textOf(String(name), definition)}`),
      '',
      'claims of each cell',
      ...claimLines(claims),
      ...(across.length > 0 ? ['', 'claims over all cells', ...claimLines(across)] : []),
    ].join('\n'),
  );
}

/** What a fact says, whichever end has its role. */
function textOf(name: string, definition: AnyDefinition): string {
  const declared: Readonly<Record<string, Declaration>> = declaredBy(definition);
  const any = withoutRole(name, ofAnyEnd(rolesOf(definition)));
  return declarationOf(any, declared)?.text ?? "a fact of the experiment's own";
}
