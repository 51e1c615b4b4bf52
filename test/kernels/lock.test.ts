import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockedOffers, readLock, writeLock } from '../../src/kernels/lock.ts';
import type { Offer } from '../../src/kernels/offers.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

const offer = (series: string, version: string, sha256 = 'a'.repeat(64)): Offer => ({
  series,
  version,
  release: `${version}-cloud`,
  suite: 'bookworm-security',
  packages: [{ name: `linux-image-${version}-cloud`, version, suite: 'bookworm-security', size: 1, sha256, parts: [] }],
});

test('the lock has the kernel of each series that was fetched last', () => {
  const path = join(folder, 'a.json');
  writeLock(path, [offer('6.12', '6.12.1-1'), offer('6.1', '6.1.8-1')]);
  writeLock(path, [offer('6.1', '6.1.9-1')]);
  const { kernels } = readLock(path);
  expect(Object.keys(kernels)).toEqual(['6.1', '6.12']);
  expect(kernels['6.1']?.version).toBe('6.1.9-1');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ lockVersion: 1 });
});

test('the same kernel is fetched again, and no other', () => {
  const path = join(folder, 'b.json');
  writeLock(path, [offer('6.1', '6.1.8-1')]);
  const lock = readLock(path);
  const offers = [offer('6.1', '6.1.9-1'), offer('6.1', '6.1.8-1')];
  expect(lockedOffers('6.1', lock, offers)).toEqual([offers[1]]);
  expect(() => lockedOffers('6.1', lock, [offers[0]!])).toThrow('does not have 6.1.8-1 of 6.1 any more');
  expect(() => lockedOffers('6.1', lock, [offer('6.1', '6.1.8-1', 'b'.repeat(64))])).toThrow(
    expect.objectContaining({ code: 'MIRROR_REFUSED' }),
  );
  expect(() => lockedOffers('5.10', lock, offers)).toThrow(expect.objectContaining({ code: 'UNKNOWN_KERNEL' }));
});

test('a lock file that is none is refused', () => {
  const path = join(folder, 'c.json');
  writeFileSync(path, '{"lockVersion": 2}');
  expect(() => readLock(path)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  expect(readLock(join(folder, 'none.json')).kernels).toEqual({});
});
