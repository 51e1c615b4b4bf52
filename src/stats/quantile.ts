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
