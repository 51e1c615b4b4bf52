import { expect, test } from 'vitest';
import { settle, type Test } from '../../../src/report/model/judge.ts';

const made = (p: number, smallest = 1e-6): Test<{ name: string }> => ({
  p,
  smallest,
  method: 'm',
  difference: { name: `${p}` },
});

test('a p below alpha is no difference where so many tests were made', () => {
  expect(settle([made(0.04)]).significant).toEqual([{ name: '0.04', test: { method: 'm', p: 0.04, adjusted: 0.04 } }]);
  expect(settle([made(0.04), made(0.5)]).significant).toEqual([]);
});

test('the strong ones stay', () => {
  expect(settle([made(0.5), made(0.0001), made(0.04)]).significant.map(({ name }) => name)).toEqual(['0.0001']);
});

test('tests that could not come out significant do not weaken the others', () => {
  const { significant, hopeless } = settle([made(0.03), ...new Array(20).fill(made(1, 0.1))]);
  expect(significant).toHaveLength(1);
  expect(hopeless).toHaveLength(20);
});
