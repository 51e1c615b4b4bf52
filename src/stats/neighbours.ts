/** A value of one way, and when it was measured, ms. */
export interface Timed<Name> {
  readonly way: Name;
  readonly began: number;
  readonly ended: number;
  /** undefined: it takes no part, and stands between others all the same. */
  readonly value: number | undefined;
}

/** Two windows further apart than this saw another machine: a run was resumed between them, ms. */
const apartMs = 10_000;

/**
 * Each value of a way with what another way came to just before and just after it: the geometric mean of the two, or the one that
 * there is; a value without a neighbour of that way is left out. What a machine does for longer than a window is the same in
 * both, and their ratio is free of it.
 */
export function neighbourPairs<Name>(
  all: readonly Timed<Name>[],
  way: Name,
  other: Name,
): (readonly [other: number, own: number])[] {
  const inOrder = all.toSorted((a, b) => a.began - b.began);
  return inOrder.flatMap((own, nth) => {
    if (own.way !== way || own.value === undefined) return [];
    const [before, after] = [inOrder[nth - 1], inOrder[nth + 1]];
    const beside = [
      ...(before && own.began - before.ended <= apartMs ? [before] : []),
      ...(after && after.began - own.ended <= apartMs ? [after] : []),
    ].flatMap((each) => (each.way === other && each.value !== undefined && each.value > 0 ? [each.value] : []));
    if (beside.length === 0) return [];
    const mean = Math.exp(beside.reduce((sum, value) => sum + Math.log(value), 0) / beside.length);
    return [[mean, own.value] as const];
  });
}
