import { holm } from '../stats/holm.ts';
import { testable } from '../stats/tarone.ts';
import type { Significance } from './comparison.ts';
import { alpha } from './judge.ts';

/** A test that can be made of a fact; whether it shows a difference depends on how many others there are. */
export interface Test<T> {
  readonly p: number;
  /** The smallest p that so many repeats can give. */
  readonly smallest: number;
  readonly method: string;
  readonly difference: T;
}

/** A family of tests, judged together. */
export interface Settled<T> {
  readonly significant: (T & { readonly test: Significance })[];
  readonly tested: readonly Test<T>[];
  /** Could not come out significant among so many. */
  readonly hopeless: readonly Test<T>[];
}

/** Judge tests of one sort together: Tarone's choice of those that can reach {@link alpha}, then Holm's correction. */
export function settle<T>(tests: readonly Test<T>[]): Settled<T> {
  const can = testable(
    tests.map(({ smallest }) => smallest),
    alpha,
  );
  const tested = tests.filter((_, index) => can[index]);
  const adjusted = holm(tested.map(({ p }) => p));
  const significant = tested.flatMap(({ p, method, difference }, index) => {
    const corrected = adjusted[index] ?? 1;
    return corrected <= alpha ? [{ ...difference, test: { method, p, adjusted: corrected } }] : [];
  });
  return { significant, tested, hopeless: tests.filter((_, index) => !can[index]) };
}
