/**
 * p-values adjusted for having made that many tests, in the order given: S. Holm (1979), "A simple sequentially
 * rejective multiple test procedure". One that stays at or below alpha is significant, and the chance that any such
 * is a false alarm is at most alpha, however the tests depend on each other.
 */
export function holm(pValues: readonly number[]): number[] {
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  const ascending = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  for (const [rank, { p, index }] of ascending.entries()) {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
}
