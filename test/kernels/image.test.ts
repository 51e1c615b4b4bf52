import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cacheFolder, ownName, removeAbandoned, requireSpace } from '../../src/kernels/cache.ts';
import { runtimePackages } from '../../src/kernels/dependencies.ts';
import { type Entry, imageKey } from '../../src/kernels/image.ts';
import { packageRoot } from '../../src/record/tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('an image is known by all that it holds', () => {
  const file = join(folder, 'file');
  writeFileSync(file, 'one');
  const entries: Entry[] = [
    { at: '/a', from: file },
    { at: '/b', text: 'text', mode: 0o755 },
    { at: '/c', link: 'a' },
  ];
  const key = imageKey(entries);
  expect(imageKey(entries.toReversed())).toBe(key);
  expect(
    imageKey([
      { at: '/a', from: file },
      { at: '/b', text: 'text', mode: 0o644 },
      { at: '/c', link: 'a' },
    ]),
  ).not.toBe(key);
  expect(
    imageKey([
      { at: '/a', from: file },
      { at: '/b', text: 'text', mode: 0o755 },
      { at: '/c', link: 'b' },
    ]),
  ).not.toBe(key);
  writeFileSync(file, 'two');
  expect(imageKey(entries)).not.toBe(key);
});

test('a run’s packages are in the image, with all that they import; the compiler is not', () => {
  const packages = runtimePackages(packageRoot());
  const { dependencies } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  const left = ['typescript', 'oxlint', 'oxlint-tsgolint', '@types/node'];
  expect([...packages.keys()]).toEqual(
    expect.arrayContaining(Object.keys(dependencies).filter((name) => !left.includes(name))),
  );
  expect([...packages.keys()].filter((name) => left.includes(name) || name.startsWith('node-linux'))).toEqual([]);
  expect(packages.has('@koromix/koffi-linux-x64') || process.arch !== 'x64').toBe(true);
});

test('the cache follows the XDG rules: a relative path does not count', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/lingerlab/kernels');
  expect(cacheFolder({ XDG_CACHE_HOME: 'caches' })).not.toContain('caches/');
});

test('working folders of processes that have ended are removed, and no others', () => {
  const working = join(folder, 'working');
  const names = [ownName('guest'), `${ownName('image')}-x`, 'guest-1-1', 'guest-4194305-1', 'other'];
  for (const name of names) mkdirSync(join(working, name), { recursive: true });
  expect(removeAbandoned(working).toSorted()).toEqual(['guest-1-1', 'guest-4194305-1']);
});

test('too little space is said before anything is written', () => {
  expect(() => requireSpace(folder, 1, 'the disk image')).not.toThrow();
  expect(() => requireSpace(folder, 2 ** 60, 'the disk image')).toThrow(expect.objectContaining({ code: 'NO_SPACE' }));
});
