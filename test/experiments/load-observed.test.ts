import { expect, test } from 'vitest';
import observed from '../../experiments/load/load-observed.ts';
import { acrossOf } from '../../src/verdict/asked.ts';

const [claim] = acrossOf(observed.definition);

/** Ten repeats, of which those with the sampler once a second got so much of the rate, give or take a percent. */
const withSampler = (share: number) =>
  Array.from({ length: 10 }, (_, nth) => 20_000 * (1 + ((nth * 7) % 10) / 20)).flatMap((rate, nth) =>
    (['nobody', 'once-a-second', 'trace'] as const).map((watched) => {
      const part = { nobody: 1, 'once-a-second': share * (1 + (nth % 3) / 100), trace: 0.5 }[watched];
      return { cell: { watched }, repeat: nth + 1, facts: { 'rate.perSecond': rate * part } };
    }),
  );

test('that the default sampler is cheap is refuted where it is shown to take more, and not by what else is', () => {
  expect(claim?.id).toBe('the-default-is-cheap');
  expect(claim?.holds(withSampler(0.99) as never)).toBe(true);
  expect(claim?.holds(withSampler(0.9) as never)).toBe(false);
});
