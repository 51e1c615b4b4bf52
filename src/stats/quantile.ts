/**
 * The q-th quantile (0 to 1) by linear interpolation between order statistics: type 7 of Hyndman and Fan (1996),
 * "Sample Quantiles in Statistical Packages"; R's default. NaN of no values.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below === above ? below : below + (above - below) * (position - Math.floor(position));
}

/** The middle value, or the mean of the two in the middle. NaN of no values. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** No values were given where one of them was asked for: an answer that needs it has nothing to stand on. */
export class NoValues extends RangeError {
  override readonly name = 'NoValues';
  constructor(asked: string) {
    super(`the ${asked} of no values`);
  }
}

/** The least of these values; throws NoValues where there are none. */
export const least = (values: readonly number[]): number => {
  if (values.length === 0) throw new NoValues('least');
  return Math.min(...values);
};

/** The largest of these values; throws NoValues where there are none. */
export const largest = (values: readonly number[]): number => {
  if (values.length === 0) throw new NoValues('largest');
  return Math.max(...values);
};
