import { describe, test } from 'vitest';

/** Tests of what not every machine can do: where this one cannot, one skipped test says why, and so do the last lines. */
export function describeWhere(
  obstacle: string | undefined,
  title: string,
  tests: () => void,
  options: { readonly concurrent?: boolean } = {},
): void {
  if (obstacle === undefined) return void describe(title, options, tests);
  describe(title, () => {
    test('cannot run on this machine', ({ skip }) => skip(obstacle));
  });
}
