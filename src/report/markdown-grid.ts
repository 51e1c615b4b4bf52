import type { FactTable } from './fact-table.ts';
import { groupByFactors } from './folding.ts';
import type { CellGroup } from './gather.ts';
import { code, plain, table } from './markdown-text.ts';
import type { Outcomes } from './outcomes.ts';
import { isNamed, lettersWords } from './results-words.ts';

/** Wider, nobody sees it at once. */
const mostColumns = 12;

/**
 * The outcomes' letters by the factor with the most values, down, and by the others, across; values that come to the same
 * everywhere are one row. Empty where each outcome's cells have short names, or where it would be too wide.
 */
export function markdownGrid({ outcomes, letterOf }: Outcomes, facts: FactTable, cells: readonly CellGroup[]): string {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  if (outcomes.every(({ places }) => places.every((place) => isNamed(place, ran)))) return '';
  const valuesOf = (factor: string) => new Set(ran.map(({ factors }) => factors[factor])).size;
  const [down, ...rest] = facts.factors.toSorted((a, b) => valuesOf(b) - valuesOf(a));
  const across = facts.factors.filter((factor) => rest.includes(factor));
  const columns = [...groupByFactors(ran, across).values()];
  if (down === undefined || across.length === 0 || columns.length > mostColumns) return '';
  const rows = [...groupByFactors(ran, [down]).values()].map((row) => ({
    value: code(String(row[0]?.factors[down])),
    letters: columns.map((column) => {
      const records = row.filter((cell) => column.includes(cell)).flatMap((cell) => cell.ran);
      return records.length === 0 ? '' : lettersWords(records, letterOf);
    }),
  }));
  const same = [...Map.groupBy(rows, ({ letters }) => letters.join('|')).values()];
  const head = columns.map((column) =>
    across.map((factor) => code(`${factor}=${column[0]?.factors[factor]}`)).join('<br>'),
  );
  return table(
    [`outcome by ${code(down)}`, ...head],
    same.map((alike) => [
      alike.map(({ value }) => value).join(', '),
      ...(alike[0]?.letters ?? []).map((letters) => plain(letters)),
    ]),
  );
}
