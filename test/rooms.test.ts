import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src/', import.meta.url));

/** Folders and files directly below src/, highest first: imports, types too, go downward in this list only. */
const rooms: readonly (string | readonly string[])[] = [
  'bin.js',
  'main.ts',
  'cli.ts',
  'commands',
  'run',
  'catalogue',
  'kernels',
  'plan',
  'doctor',
  'load',
  'peers',
  'observers',
  'lab',
  'wire',
  'page',
  'process',
  'report',
  'verdict',
  'index.ts',
  'experiment',
  'facts',
  'record',
  ['stats', 'native'],
  ['tcp', 'text', 'errors.ts'],
];

const rankOf = (room: string): number => rooms.findIndex((each) => each === room || each.includes(room));
const roomOf = (path: string): string => path.split('/')[0] as string;

/** What a module imports from this program, by paths below src/; types, `import()` and re-exports too. */
function importsOf(path: string, text: string): string[] {
  const named = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g);
  return [...named].map(([, to]) =>
    relative(source, resolve(source, dirname(path), (to as string).replace(/\.js$/, '.ts'))),
  );
}

/** Imports that leave their room for one that is not below it. */
function upward(path: string, text: string): string[] {
  const from = roomOf(path);
  return importsOf(path, text)
    .filter((to) => roomOf(to) !== from && rankOf(roomOf(to)) <= rankOf(from))
    .map((to) => `${path} imports ${to}`);
}

const modules = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.([jt]s|tsx)$/.test(path),
);

test('every module is in a room of the table', () => {
  expect(modules.filter((path) => rankOf(roomOf(path)) === -1)).toEqual([]);
});

test('src/README.md lists the rooms in this order', () => {
  const rows = readFileSync(join(source, 'README.md'), 'utf8').split('| room |')[1]?.split('\n\n')[0] ?? '';
  const listed = [...rows.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell]) => cell?.replaceAll('`', '').split(', '));
  expect(listed).toEqual(rooms.map((each) => [each].flat()));
});

test('imports go downward only', () => {
  expect(modules.flatMap((path) => upward(path, readFileSync(join(source, path), 'utf8')))).toEqual([]);
});

test.each([
  "import type { RunRequest } from '../run/run.ts';",
  "import {\n  type RunRequest,\n} from '../run/run.ts';",
  "export type { RunRequest } from '../run/run.ts';",
  "type RunRequest = import('../run/run.ts').RunRequest;",
])('an upward import of a type is found: %s', (planted) => {
  expect(upward('facts/planted.ts', planted)).toEqual(['facts/planted.ts imports run/run.ts']);
});

test('neighbours do not import each other', () => {
  expect(upward('stats/planted.ts', "import { read } from '../native/libc.ts';")).toHaveLength(1);
});

test('folders within a room do not import each other in a circle', () => {
  const inner = (path: string) => dirname(path);
  const graph = new Map<string, Set<string>>();
  for (const path of modules) {
    for (const to of importsOf(path, readFileSync(join(source, path), 'utf8'))) {
      if (roomOf(to) !== roomOf(path) || inner(to) === inner(path)) continue;
      graph.set(inner(path), (graph.get(inner(path)) ?? new Set()).add(inner(to)));
    }
  }
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(graph.get(from) ?? [])].some(
      (next) => next === to || (!seen.has(next) && seen.add(next) && reaches(next, to, seen)),
    );
  expect([...graph.keys()].filter((folder) => reaches(folder, folder))).toEqual([]);
});
