/**
 * Which of many exact tests can come out significant at all, by the smallest p-value that each can give: R. E. Tarone
 * (1990), "A modified Bonferroni method for discrete data". The others need not be made, nor corrected for: with K the
 * least number such that at most K tests can reach alpha / K, those that can.
 */
export function testable(smallest: readonly number[], alpha: number): boolean[] {
  const reaching = (k: number): number => smallest.filter((p) => p <= alpha / k).length;
  let k = 1;
  while (reaching(k) > k) k++;
  return smallest.map((p) => p <= alpha / k);
}
