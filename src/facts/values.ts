import type { Declaration, FactValue, KeptOption, RefusedCall, Unit } from '../record/fact.ts';

/** A fact as a record has it: `null` was not observed, `undefined` was not tried. */
export type Observed = FactValue | null | undefined;

/** `12,345`; by toLocaleString() the first costs each start 10 ms. */
const grouped = (whole: number): string => {
  const digits = Math.abs(whole)
    .toFixed(0)
    .replace(/\B(?=(?:\d{3})+$)/g, ',');
  return whole < 0 ? `-${digits}` : digits;
};

/** Three significant digits; from a thousand on whole and grouped: `0.0420`, `61.2`, `20,413`. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 999.5 ? grouped(value) : value.toPrecision(3);
}

/** How many: whole numbers as they are, grouped; others as {@link formatNumber}. */
export const formatCount = (value: number): string => (Number.isInteger(value) ? grouped(value) : formatNumber(value));

/** A time in the unit that suits it: `20.0 ns`, `42.0 µs`, `1.50 ms`, `61.2 s`. */
export function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size >= 0.9995) return `${formatNumber(seconds)} s`;
  if (size >= 0.9995e-3) return `${formatNumber(seconds * 1e3)} ms`;
  if (size >= 0.9995e-6) return `${formatNumber(seconds * 1e6)} µs`;
  return `${formatNumber(seconds * 1e9)} ns`;
}

const perSecond: Partial<Record<Unit, number>> = { s: 1, ms: 1e3, us: 1e6 };

/** Seconds in a fact of this unit; undefined where the unit is no time. */
export function secondsOf(value: number, unit: Unit | undefined): number | undefined {
  const scale = unit && perSecond[unit];
  return scale === undefined ? undefined : value / scale;
}

function formatQuantity(value: number, unit: Unit | undefined): string {
  const seconds = secondsOf(value, unit);
  if (seconds !== undefined) return formatSeconds(seconds);
  return unit === 'bytes' ? `${formatCount(value)} B` : formatCount(value);
}

const isNumbers = (value: readonly unknown[]): value is readonly number[] => typeof value[0] === 'number';

const isObjects = (value: readonly unknown[]): value is readonly (RefusedCall | KeptOption)[] =>
  typeof value[0] === 'object';

const optionValue = (value: KeptOption['value']): string =>
  typeof value === 'object'
    ? `{${Object.entries(value)
        .map(([name, each]) => `${name} ${each}`)
        .join(', ')}}`
    : String(value);

/** `SO_LINGER 0`; what the kernel kept, where it differs; what it was inherited from. */
function optionText({ option, value, kept, on }: KeptOption): string {
  const [asked, has] = [optionValue(value), optionValue(kept)];
  return `${option} ${asked}${asked === has ? '' : ` (kept ${has})`}${on ? ` on the ${on}` : ''}`;
}

/** One value of a fact: `unknown` where it was not observed, `–` where the cell did not try it. */
export function formatFact(value: Observed, declared?: Declaration): string {
  if (value === null) return 'unknown';
  if (value === undefined) return '–';
  if (typeof value === 'number') return formatQuantity(value, declared?.unit);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (value.length === 0) return 'none';
  if (isObjects(value))
    return value.map((each) => ('call' in each ? `${each.call} ${each.errno}` : optionText(each))).join(', ');
  if (isNumbers(value)) return value.map((each) => formatQuantity(each, declared?.unit)).join(', ');
  return declared?.isSet ? value.join(', ') : sequenceText(value);
}

/** So many equal words in a row are counted. */
const mostEqual = 3;

/** `FIN → RST`, `11 × RST`. */
function sequenceText(words: readonly string[]): string {
  const rows: string[][] = [];
  for (const word of words) {
    const row = rows.at(-1);
    if (row?.[0] === word) row.push(word);
    else rows.push([word]);
  }
  const said = rows.flatMap((row) => (row.length < mostEqual ? row : [`${formatCount(row.length)} × ${row[0]}`]));
  return said.join(' → ');
}

const inOrder = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .toSorted(([a], [b]) => a.localeCompare(b))
        .map(([name, each]) => [name, inOrder(each)])
    : value;

/** Equal values have equal keys, whatever the order of an object's fields. */
export function factKey(value: Observed): string {
  if (value === undefined) return 'not tried';
  if (Array.isArray(value) && isObjects(value)) return JSON.stringify(value.map(inOrder));
  return JSON.stringify(value);
}
