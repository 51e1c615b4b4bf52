/** A function that gives log n! of whole numbers up to `most`. */
export function logFactorials(most: number): (n: number) => number {
  const logs = [0];
  for (let n = 1; n <= most; n++) logs.push((logs[n - 1] as number) + Math.log(n));
  return (n) => logs[n] as number;
}
