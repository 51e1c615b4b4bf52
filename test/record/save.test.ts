import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { oneAtATime, openLines, replaceFile } from '../../src/record/save.ts';
import { temporary } from './temporary.ts';

test('replaces a file and leaves no other', async () => {
  const folder = temporary();
  await replaceFile(join(folder, 'x'), 'one');
  await replaceFile(join(folder, 'x'), 'two');
  expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['x']);
});

test('leaves the old file, and nothing beside it, where it cannot be replaced', async () => {
  const folder = temporary();
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'x', 'old'), '');
  await expect(replaceFile(join(folder, 'x'), 'new')).rejects.toMatchObject({ code: 'RUN_NOT_WRITABLE' });
  expect(readdirSync(folder)).toEqual(['x']);
});

test('says RUN_NOT_WRITABLE of a full disk', async () => {
  const lines = await openLines('/dev/full');
  await expect(lines.append('{}')).rejects.toMatchObject({
    code: 'RUN_NOT_WRITABLE',
    message: expect.stringContaining('ENOSPC'),
  });
  await lines.close();
});

test('does one thing after the other, and goes on after one that failed', async () => {
  const order: string[] = [];
  const run = oneAtATime();
  const step = (name: string) =>
    run(async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
    });
  const results = await Promise.allSettled([step('a'), step('b'), step('c')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
