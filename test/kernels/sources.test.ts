import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configuration, mirrorsIn, refusedIn, signedByAt, sourcesText, suites } from '../../src/kernels/sources.ts';

const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../fixtures/kernels/${name}`, import.meta.url)), 'utf8');

const sources = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/archive.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ==
`;

test("the mirrors and their keys are the system's own", () => {
  const mirrors = mirrorsIn(fixture('indextargets.txt'), (path) => {
    expect(path).toBe('/etc/apt/sources.list.d/debian.sources');
    return sources;
  });
  expect(mirrors?.main).toEqual({ uri: 'http://mirror.example/debian/', signedBy: '/keys/archive.gpg' });
  expect(mirrors?.security.uri).toBe('http://mirror.example/debian-security/');
});

test('without a security archive of the system, it is beside the archive', () => {
  const main = fixture('indextargets.txt')
    .split('\n\n')
    .filter((target) => !target.includes('-security'))
    .join('\n\n');
  expect(mirrorsIn(main, () => sources)?.security.uri).toBe('http://mirror.example/debian-security/');
});

test('a system of another distribution has no mirror', () => {
  const jammy = fixture('indextargets.txt').replaceAll('bookworm', 'jammy');
  expect(mirrorsIn(jammy, () => sources)).toBeUndefined();
});

test('Signed-By is read from both formats of sources, a key with all its lines', () => {
  expect(signedByAt(sources, 1, true)).toBe('/keys/archive.gpg');
  expect(signedByAt(sources, 8, true)).toBe('\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==');
  const list = '# mine\ndeb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.example/debian bookworm main\n';
  expect(signedByAt(list, 2, false)).toBe('/keys/a.gpg');
  expect(signedByAt(list.replace(/\[.*\] /, ''), 2, false)).toBeUndefined();
});

test('our sources have every suite with kernels, each with the keys of its archive', () => {
  const text = sourcesText({ main: { uri: 'http://m/debian', signedBy: '/k' }, security: { uri: 'http://m/sec' } });
  expect(text).toBe(
    `Types: deb\nURIs: http://m/sec\nSuites: ${suites.security.join(' ')}\nComponents: main\n\n` +
      `Types: deb\nURIs: http://m/debian\nSuites: ${suites.main.join(' ')}\nComponents: main\nSigned-By: /k\n`,
  );
});

test("our configuration keeps the system's proxies and keys, but none of its state and hooks", () => {
  const dump = [
    'Dir "/";',
    'Dir::State "var/lib/apt";',
    'Dir::State::lists "lists/";',
    'Dir::Etc::parts "apt.conf.d";',
    'Dir::Etc::trustedparts "trusted.gpg.d";',
    'Acquire::http::Proxy "http://proxy.example:3128/";',
    'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
    'DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
  ].join('\n');
  const text = configuration(dump, '/cache/apt');
  expect(text).toContain('Acquire::http::Proxy "http://proxy.example:3128/";');
  expect(text).toContain('Dir::Etc::trustedparts "trusted.gpg.d";');
  expect(text).toContain('Dir::State::lists "/cache/apt/lists";');
  expect(text).not.toMatch(/Post-Invoke|var\/lib\/apt|apt\.conf\.d/);
});

test('a suite whose signature is refused is told from one that the mirror does not have', () => {
  const output = fixture('update-refused.txt');
  const refused = refusedIn(output, ['bullseye-security', 'trixie-nonsense', 'trixie']);
  expect(refused.map(({ suite, isSignature }) => [suite, isSignature])).toEqual([
    ['bullseye-security', true],
    ['trixie-nonsense', false],
  ]);
  expect(refused[0]?.problem).toContain('NO_PUBKEY 54404762BBB6E853');
  expect(refused[1]?.problem).toContain('does not have a Release file');
});
