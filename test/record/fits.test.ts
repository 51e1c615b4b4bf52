import { expect, test } from 'vitest';
import { z } from 'zod';
import { fitsOf } from '../../src/record/fits.ts';
import { readRun } from '../../src/record/read.ts';
import { cellRecord, runRecord } from '../../src/record/schema.ts';
import { keptRun } from '../kept.ts';
import { exampleRun } from './example.ts';

const { run, cells } = await readRun(keptRun);

/** Every value with one of its parts left out, replaced, or beside a part that is new; each part of the same kind once. */
function* damaged(value: unknown, seen: Set<string>, path = ''): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    // what facts and connections are called makes no kind of its own
    const kind = `${path}/${Array.isArray(value) || /[.=]/.test(name) ? '' : name}:${part === null ? 'null' : typeof part}`;
    const put = (other: unknown): unknown =>
      Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other };
    if (!seen.has(kind)) {
      seen.add(kind);
      for (const other of [null, undefined, 'x', -1.5, true, [], [1, 'x'], {}, { x: 1 }]) yield put(other);
      if (!Array.isArray(value)) {
        yield Object.fromEntries(Object.entries(value).filter(([each]) => each !== name));
        yield Object.fromEntries(Object.entries(value).toReversed());
        yield { ...value, other: 1 };
      }
    }
    for (const other of damaged(part, seen, kind)) yield put(other);
  }
}

test('what is recorded fits its schema as it is', () => {
  expect(cells.filter((cell) => !fitsOf(cellRecord)(cell))).toEqual([]);
  expect(fitsOf(runRecord)(run)).toBe(true);
});

test.each([
  ['a cell', cellRecord, cells.filter((_, index) => index % 50 === 0)],
  ['a run', runRecord, [exampleRun(), exampleRun({ experiments: run.experiments.slice(0, 1) })]],
])('of %s, what fits is what the schema makes of it', (_, schema: z.ZodType, values: readonly unknown[]) => {
  const seen = new Set<string>();
  let [fitting, others] = [0, 0];
  for (const value of values)
    for (const each of damaged(value, seen)) {
      if (!fitsOf(schema)(each)) {
        others++;
        continue;
      }
      fitting++;
      const made = schema.safeParse(each, { jitless: true });
      expect(made.success && JSON.stringify(made.data)).toBe(JSON.stringify(each));
    }
  expect(fitting).toBeGreaterThan(50);
  expect(others).toBeGreaterThan(500);
});

test('of a union, the first option that takes a value makes it', () => {
  const union = z.union([z.object({ a: z.number() }), z.object({ a: z.number(), b: z.number() })]);
  expect(fitsOf(union)({ a: 1 })).toBe(true);
  expect(fitsOf(union)({ a: 1, b: 2 })).toBe(false);
  expect(union.parse({ a: 1, b: 2 })).toEqual({ a: 1 });
});

test('a schema that it does not know fits nothing', () => {
  expect(fitsOf(z.string().min(1))('long')).toBe(false);
  expect(fitsOf(z.number().positive())(1)).toBe(false);
  expect(fitsOf(z.record(z.enum(['a']), z.number()))({ a: 1 })).toBe(false);
  expect(fitsOf(z.string().default('x'))('x')).toBe(false);
});
