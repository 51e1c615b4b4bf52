import { factKey } from '../facts/values.ts';
import type { FactRead } from '../record/detail.ts';
import type { ClaimRecord, Verdict } from '../record/schema.ts';
import type { CellVerdict } from './claims.ts';

type Observed = NonNullable<ClaimRecord['observed']>[number];

/** Different values of a fact that are recorded at most. */
const mostValues = 6;

/** Summarizes the facts on which a claim's verdicts in cells rest: each fact that was read, with its values by verdict. */
export function observedOf(verdicts: readonly Pick<CellVerdict, 'verdict' | 'detail'>[]): Observed[] {
  const all = verdicts.flatMap(({ verdict, detail }) =>
    'read' in detail ? detail.read.map((read) => ({ verdict, ...read })) : [],
  );
  return [...Map.groupBy(all, ({ fact, verdict }) => JSON.stringify([fact, verdict])).values()].map((same) => {
    const [{ fact, verdict }] = same as [FactRead & { readonly verdict: Verdict }];
    const numbers = same.map(({ value }) => value).filter((value) => typeof value === 'number');
    const results = same.length;
    if (numbers.length === results)
      return { fact, verdict, results, least: Math.min(...numbers), most: Math.max(...numbers) };
    const values = [...Map.groupBy(same, ({ value }) => factKey(value)).values()]
      .map((alike) => ({ value: (alike[0] as FactRead).value, results: alike.length }))
      .sort((a, b) => b.results - a.results);
    const more = values.length - mostValues;
    return { fact, verdict, results, values: values.slice(0, mostValues), ...(more > 0 && { more }) };
  });
}
