/** A distance in sequence numbers; the 64 Ki before the start are negative: a keepalive's, an old duplicate's. */
export function distance(from: number, to: number): number {
  const ahead = (to - from) >>> 0;
  return ahead >= 0xffff0000 ? ahead - 2 ** 32 : ahead;
}
