import { ends } from '../facts/states.ts';
import { code } from './markdown-text.ts';

/** A column of a table: a fact, or the same fact of both ends. */
export interface FactColumn {
  readonly head: string;
  /** One; or the client's and the server's. */
  readonly facts: readonly string[];
}

/** Facts as columns in their order; what both ends have is one column, where the first of them is. */
export function columnsOf(facts: readonly string[]): FactColumn[] {
  const columns = Map.groupBy(facts, (fact) => {
    const pair = pairOf(fact);
    return pair?.every((each) => facts.includes(each)) ? fact.replace(endOf, '') : fact;
  });
  return [...columns].map(([name, own]) => ({
    head: code(name),
    facts: own.length > 1 ? (pairOf(own[0]) ?? own) : own,
  }));
}

/** What a column says, given what each fact says: one line for each end, or one for both where they say the same. */
export function columnText({ facts }: FactColumn, say: (fact: string) => string): string {
  const [first = '', ...others] = facts.map(say);
  if (others.length === 0) return first;
  const lines = others.every((other) => other === first)
    ? [`both ${first}`]
    : facts.map((_, index) => `${ends[index]} ${[first, ...others][index]}`);
  return lines.join('<br>');
}

const endOf = /(?<=^|\.)(client|server)\./;
const pairOf = (fact: string | undefined): string[] | undefined =>
  fact !== undefined && endOf.test(fact) ? ends.map((end) => fact.replace(endOf, `${end}.`)) : undefined;
