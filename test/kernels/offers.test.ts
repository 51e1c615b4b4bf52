import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chosen, defaultSeries } from '../../src/kernels/choose.ts';
import { compareVersions, goneIn, isNamed, newestOf, offersIn, packagesIn } from '../../src/kernels/offers.ts';

const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../fixtures/kernels/${name}`, import.meta.url)), 'utf8');
const packages = ['bullseye-security', 'bookworm-security', 'trixie-backports'].flatMap((suite) =>
  packagesIn(fixture(`${suite}-Packages`), suite),
);
const offers = offersIn(packages);

test('the newest whole kernel of each series is offered, in order of the series', () => {
  expect(newestOf(offers).map(({ series, version, suite }) => [series, version, suite])).toEqual([
    ['5.10', '5.10.262-1', 'bullseye-security'],
    ['6.1', '6.1.192-3', 'bookworm-security'],
    ['6.18', '6.18.15-1~bpo13+1', 'trixie-backports'],
    ['7.3', '7.3.4-1~bpo13+1', 'trixie-backports'],
  ]);
});

test('a kernel is one package up to 6.18, and three that are unpacked together from 6.19 on', () => {
  const named = (series: string) => newestOf(offers).find((offer) => offer.series === series)!;
  expect(named('6.18').packages.map(({ name }) => name)).toEqual(['linux-image-6.18.15+deb13-cloud-amd64']);
  expect(named('7.3').packages.map(({ name }) => name)).toEqual([
    'linux-image-7.3.4+deb13-cloud-amd64',
    'linux-binary-7.3.4+deb13-cloud-amd64',
    'linux-modules-7.3.4+deb13-cloud-amd64',
  ]);
  expect(named('7.3').release).toBe('7.3.4+deb13-cloud-amd64');
  expect(named('7.3').packages.every(({ sha256, size }) => /^[0-9a-f]{64}$/.test(sha256) && size > 0)).toBe(true);
});

test('a kernel whose modules are gone from the mirror is not offered', () => {
  expect(goneIn(packages)).toEqual([{ series: '7.1', missing: ['linux-modules-7.1.13+deb13-cloud-amd64'] }]);
  const without = packages.filter(({ name }) => !name.startsWith('linux-modules-7.3'));
  expect(newestOf(offersIn(without)).map(({ series }) => series)).not.toContain('7.3');
});

test('debug symbols, other flavours and packages without a kernel are left out', () => {
  expect(packages.filter(({ name }) => /dbg|57-amd64|linux-base|image-cloud/.test(name))).toEqual([]);
});

test.each([
  ['6.1.192-2', '6.1.192-3'],
  ['6.1.99-1', '6.1.180-1'],
  ['6.1.180-1~deb11u1', '6.1.180-1'],
  ['6.9.1-1', '6.12.1-1'],
])('%s is older than %s', (older, newer) => {
  expect(compareVersions(older, newer)).toBeLessThan(0);
  expect(compareVersions(newer, older)).toBeGreaterThan(0);
});

test('a series, a pattern of it, a version, a release or a suite names a kernel', () => {
  const version = (word: string) => chosen(word, offers, []).version;
  expect(version('6.1')).toBe('6.1.192-3');
  expect(version('6.1.*')).toBe('6.1.192-3');
  expect(version('6.1.180')).toBe('6.1.180-1~deb11u1');
  expect(version('6.1.192-2')).toBe('6.1.192-2');
  expect(version('6.18.12+deb13-cloud-amd64')).toBe('6.18.12-1~bpo13+1');
  expect(version('debian:trixie-backports')).toBe('7.3.4-1~bpo13+1');
  expect(isNamed('6.1', { series: '6.12', version: '6.12.1-1', release: '6.12.1', suite: 'x' })).toBe(false);
});

test('an unknown series is refused with those that there are, one that is gone with what is missing', () => {
  const gone = goneIn(packages);
  expect(() => chosen('6.2', offers, gone)).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_KERNEL', remedy: expect.stringContaining('5.10, 6.1, 6.18, 7.3') }),
  );
  expect(() => chosen('7.1', offers, gone)).toThrow('linux-modules-7.1.13+deb13-cloud-amd64 is gone');
});

test('the default set is the telling series that there are, and the newest', () => {
  expect(defaultSeries(['6.1', '5.10', '6.17', '7.3', '7.2'])).toEqual(['5.10', '6.1', '7.3']);
  expect(defaultSeries(['6.18', '6.1'])).toEqual(['6.1', '6.18']);
});
