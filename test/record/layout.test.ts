import { expect, test } from 'vitest';
import { cellFolder, repeatsOf } from '../../src/record/layout.ts';
import { exampleRun } from './example.ts';

test('a cell folder follows experiment, factors and repeat', () => {
  expect(cellFolder('r', 'close-order/closes=client,linger=off', 3)).toBe(
    'r/cells/close-order/closes=client,linger=off/3',
  );
  expect(cellFolder('r', 'bare', 1)).toBe('r/cells/bare/_/1');
});

test('factors too long for a file name end in a digest, and stay apart', () => {
  const long = (end: string) =>
    cellFolder('r', `x/${'factor=value,'.repeat(30)}${end}`, 1)
      .split('/')
      .at(-2)!;
  expect(long('a').length).toBe(200);
  expect(long('a')).not.toBe(long('b'));
  expect(long('a')).toBe(long('a'));
});

test('repeats are counted from 1', () => {
  const run = exampleRun({ repeats: { x: 3 } });
  expect(repeatsOf(run, 'x')).toEqual([1, 2, 3]);
  expect(repeatsOf(run, 'y')).toEqual([1]);
});
