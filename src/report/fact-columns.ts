import { ofEach, whoseIs, withoutEnd } from '../facts/roles.ts';
import { code } from './markdown-text.ts';

/** A column of a table: a fact, or the same fact of both ends. */
export interface FactColumn {
  readonly head: string;
  /** One; or the client's and the server's, or those of each role. */
  readonly facts: readonly string[];
  /** Whose each of several is. */
  readonly whose: readonly string[];
}

/** Facts as columns in their order; what both ends have is one column, where the first of them is. */
export function columnsOf(facts: readonly string[], roles: readonly string[] = []): FactColumn[] {
  const isPaired = (fact: string): boolean => ofEach(fact, roles)?.every((each) => facts.includes(each)) ?? false;
  const columns = Map.groupBy(facts, (fact) => (isPaired(fact) ? (ofEach(fact, roles) ?? []).join() : fact));
  return [...columns.values()].map((own) => {
    const [fact = ''] = own;
    const both = own.length > 1 ? (ofEach(fact, roles) ?? own) : own;
    return {
      head: code(own.length > 1 ? withoutEnd(fact, roles) : fact),
      facts: both,
      whose: both.map((each) => ownerWords(whoseIs(each, roles) ?? '', roles)),
    };
  });
}

/** `client`, `closing end`. */
export const ownerWords = (owner: string, roles: readonly string[]): string =>
  roles.includes(owner) ? `${owner} end` : owner;

/** What a column says, given what each fact says: one line for each end, or one for both where they say the same. */
export function columnText({ facts, whose }: FactColumn, say: (fact: string) => string): string {
  const [first = '', ...others] = facts.map(say);
  if (others.length === 0) return first;
  const lines = others.every((other) => other === first)
    ? [`both ${first}`]
    : facts.map((_, index) => `${whose[index]} ${[first, ...others][index]}`);
  return lines.join('<br>');
}
