import { factKey, formatCount, formatFact, formatNumber, type Observed } from '../facts/values.ts';
import type { Declaration, FactValue } from '../record/fact.ts';
import { median } from '../stats/quantile.ts';

/** How long something took, for people: `4.2 s`, `42 s`, `1 min 5 s`, `2 h 3 min`. */
export function formatElapsed(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = whole < 3600 ? Math.floor(whole / 60) : Math.round(whole / 60);
  if (whole < 3600) return `${minutes} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

const powers = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A memory's size: `3.83 GiB`. */
export function formatMemory(bytes: number): string {
  const power = Math.min(powers.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${power === 0 ? formatCount(bytes) : formatNumber(bytes / 1024 ** power)} ${powers[power]}`;
}

/** A p-value: `p = 0.012`, `p < 0.0001`. */
export const formatP = (p: number): string => (p < 0.0001 ? 'p < 0.0001' : `p = ${Number(p.toPrecision(2))}`);

/** How much `to` is more or less than `from`: `+12 %`, `−3.4 %`; `×25` where it is a multiple. */
export function formatChange(from: number, to: number): string {
  if (from === 0) return to === 0 ? '±0 %' : 'from 0';
  const ratio = to / from;
  if (ratio >= 3) return `×${formatNumber(ratio)}`;
  const percent = (ratio - 1) * 100;
  const digits = Math.abs(percent) < 9.95 ? 1 : 0;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(digits)} %`;
}

/** A ratio of measured rates: `0.954`. */
export const formatRatio = (ratio: number): string => ratio.toFixed(3);

/** How many of a thing: `1 cell`, `1,200 cells`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Text with a full stop, where it ends without one. */
export const sentence = (text: string): string =>
  /[.!?…:]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;

/** One distinct value and how often it came; without `value`: not tried. */
export interface Share {
  readonly value?: FactValue | null;
  readonly times: number;
}

/** How often each value came, the most frequent first; equals in the order in which they came. */
export function distribution(values: readonly Observed[]): Share[] {
  const shares = new Map<string, { value?: FactValue | null; times: number }>();
  for (const value of values) {
    const share = shares.get(factKey(value));
    if (share) share.times++;
    else shares.set(factKey(value), value === undefined ? { times: 1 } : { value, times: 1 });
  }
  return [...shares.values()].sort((a, b) => b.times - a.times);
}

/** A distribution of so many characters is still read; the rarer values of a longer one are counted together. */
const mostCharacters = 90;

/** `both 9/10, client 1/10`; of one repeat just the value. Of many long values the frequent ones: `…, 3 others 4/10`. */
export function formatDistribution(shares: readonly Share[], declared?: Declaration): string {
  const all = shares.reduce((total, { times }) => total + times, 0);
  if (all === 1) return formatFact(shares[0]?.value, declared);
  const texts = shares.map(({ value, times }) => `${formatFact(value, declared)} ${times}/${all}`);
  const some = texts.findIndex((_, index) => texts.slice(0, index + 1).join(', ').length > mostCharacters);
  const shown = Math.max(1, some);
  if (some === -1 || texts.length - shown < 2) return texts.join(', ');
  const rest = shares.slice(shown).reduce((total, { times }) => total + times, 0);
  return `${texts.slice(0, shown).join(', ')}, ${texts.length - shown} others ${rest}/${all}`;
}

/** Numbers of one fact: the median, and between which they lie where they differ in what is shown: `3.00 s (2.99 s to 3.02 s)`. */
export function formatSpread(values: readonly number[], declared?: Declaration): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    formatFact(value, declared),
  ) as [string, string, string];
  return least === most ? middle : `${middle} (${least} to ${most})`;
}

/**
 * Numbers of one fact in cells that share a row. Bytes and counts by the least and the largest, `1–2 B`: the middle of two is a
 * number that no cell had. Others as {@link formatSpread} does.
 */
export function formatTogether(values: readonly number[], declared?: Declaration): string {
  if (!isCounted(declared)) return formatSpread(values, declared);
  return formatRange(Math.min(...values), Math.max(...values), declared);
}

const isCounted = (declared?: Declaration): boolean => declared?.unit === 'bytes' || declared?.unit === 'count';

/** From the least to the largest: `1–2 B`, `60.0–62.0 s`; one value where they show the same. */
export function formatRange(from: number, to: number, declared?: Declaration): string {
  const [least, most] = [from, to].map((value) => formatFact(value, declared)) as [string, string];
  if (least === most) return most;
  const unit = / \D+$/.exec(most)?.[0] ?? '';
  return `${least.endsWith(unit) ? least.slice(0, least.length - unit.length) : least}–${most}`;
}

/**
 * A fact over the repeats of a cell: a measurement by its median, anything else by its value, or by its distribution
 * where it varied or the cell is a race. Of several cells that share a row, bytes and counts go from the least to the largest.
 */
export function formatRepeats(
  values: readonly Observed[],
  declared: Declaration | undefined,
  race: boolean,
  cells = 1,
): string {
  const shares = distribution(values);
  const [only] = shares;
  if (only === undefined) return '–';
  const isKnown = shares.some(({ value }) => value !== null && value !== undefined);
  if (!isKnown) return shares.length === 1 ? formatFact(only.value) : formatDistribution(shares);
  const byMedian = declared?.compare === 'measurement' || declared?.compare === 'within';
  const numbers = values.filter((value) => typeof value === 'number');
  if (byMedian && numbers.length > 0) {
    const some = numbers.length === values.length ? '' : ` (${numbers.length} of ${values.length})`;
    if (cells > 1 && isCounted(declared)) return formatTogether(numbers, declared) + some;
    return formatFact(median(numbers), declared) + some;
  }
  const isRace = race || declared?.compare === 'race';
  return shares.length === 1 && !isRace ? formatFact(only.value, declared) : formatDistribution(shares, declared);
}
