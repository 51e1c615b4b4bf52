import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadKoffi } from '../../src/native/koffi.ts';

test("koffi's own index is not needed where npm put its build beside it", () => {
  loadKoffi();
  expect(Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('/koffi/'))).toEqual([]);
});

test('what is loaded is the version of koffi that is installed, and calls libc', () => {
  const koffi = loadKoffi();
  expect(koffi.version).toBe(createRequire(import.meta.url)('koffi').version);
  expect(koffi.load('libc.so.6').func('int getpid()')()).toBe(process.pid);
});
