/** Columns of a row that follow one another and do not differ. */
export interface Stretch {
  /** Place of the first. */
  readonly from: number;
  readonly columns: readonly number[];
  /** It differs from what the row had before it. */
  readonly isChange: boolean;
}

/** The shown columns of a row, by key: null is a column with nothing to compare, between which and its neighbours nothing changes. */
export function stretchesOf(keys: readonly (string | null)[], shown: readonly boolean[]): Stretch[] {
  const found: { from: number; columns: number[]; isChange: boolean }[] = [];
  let before: string | null = null;
  let last: string | null | undefined;
  for (const [column, key] of keys.entries()) {
    if (!shown[column]) continue;
    const open = found.at(-1);
    if (open && key === last) open.columns.push(column);
    else {
      found.push({ from: column, columns: [column], isChange: key !== null && before !== null && key !== before });
    }
    if (key !== null) before = key;
    last = key;
  }
  return found;
}

/** Whether the shown columns of a row have two different values. */
export const isDiffering = (keys: readonly (string | null)[], shown: readonly boolean[]): boolean =>
  new Set(keys.filter((key, column) => shown[column] && key !== null)).size > 1;

/** `6.1–7.3`: the columns of a stretch. */
export const rangeOf = (titles: readonly string[]): string =>
  titles.length > 1 ? `${titles[0]}–${titles.at(-1)}` : (titles[0] ?? '');
