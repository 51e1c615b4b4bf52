import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', 'src/README.md', 'experiments/README.md', 'results/README.md', 'test/README.md'];
const guide = textOf('experiments/README.md');

/** An interface as it is declared: the members of its own, and what it extends. */
interface Declared {
  readonly members: readonly string[];
  readonly parents: readonly string[];
}

/** Interfaces in a formatted source: a member is what has an indent of two, a comment has three. */
function interfacesIn(source: string): Map<string, Declared> {
  const found = source.matchAll(/^(?:export )?interface (\w+)([^{]*)\{\n(.*?)^\}/gms);
  return new Map(
    [...found].map(([, name, head, body]) => {
      const members = [...body!.matchAll(/^ {2}(?:readonly )?(\w+)\??[(<:]/gm)].map(([, member]) => member!);
      const parents = (/\bextends ((?:\w+(?:<[^{]*>)?(?:, )?)+)\s*$/.exec(head!)?.[1] ?? '').match(
        /\b\w+(?=[<,\s]|$)/g,
      );
      return [name!, { members, parents: parents ?? [] }];
    }),
  );
}

const exported = textOf('src/index.ts');
/** What an experiment may import from this folder's modules, by its kind. */
function exportsOf(kind: 'type' | 'value'): string[] {
  const groups = [...exported.matchAll(/export (type )?\{(.*?)\} from '\.\/(.*?)';/gs)];
  return groups.flatMap(([, isType, names]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && (Boolean(isType) || name.startsWith('type ')) === (kind === 'type'))
      .map((name) => name.replace('type ', '')),
  );
}

const declared = new Map(
  ['src/experiment', 'src/tcp', 'src/stats', 'src/facts'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((file) => [...interfacesIn(textOf(join(folder, file)))]),
  ),
);
const publicInterfaces = exportsOf('type').filter((name) => declared.has(name));

/** What an interface has: its own members, and those of the parents that are wanted. */
function membersOf(name: string, all: ReadonlyMap<string, Declared>, isWanted: (parent: string) => boolean): string[] {
  const { members, parents } = all.get(name) ?? { members: [], parents: [] };
  return [...members, ...parents.filter(isWanted).flatMap((parent) => membersOf(parent, all, isWanted))];
}

/** What a table about an interface must name: a parent that an experiment can import has a table of its own. */
const ownOf = (name: string, all: ReadonlyMap<string, Declared> = declared): string[] =>
  membersOf(name, all, (parent) => !exportsOf('type').includes(parent));

/** Names in the first column of each table, by what the head of that column names. */
function tablesIn(page: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  for (const [, head, body] of page.matchAll(/^\|([^|]*)\|.*\n\| ?---.*\n((?:\|.*\n)+)/gm)) {
    const named = [...head!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    const rows = body!.split('\n').map((row) => row.split('|')[1] ?? '');
    const first = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, name]) => name!));
    for (const name of named) tables.set(name, [...(tables.get(name) ?? []), ...first]);
  }
  return tables;
}

const tables = tablesIn(guide);

/** Members without a row, and rows without a member. */
function differences(name: string, all: ReadonlyMap<string, Declared> = declared): string[] {
  const rows = tables.get(name) ?? [];
  const together = [...tables.keys()].filter((other) => tables.get(other)?.join() === rows.join());
  const known = together.flatMap((other) => membersOf(other, all, () => true));
  return [
    ...ownOf(name, all)
      .filter((member) => !rows.includes(member))
      .map((member) => `${name}.${member} has no row`),
    ...rows.filter((row) => !known.includes(row)).map((row) => `${name} has no ${row}`),
  ];
}

test('the interfaces of the API are read', () => {
  expect(publicInterfaces.length).toBeGreaterThan(30);
  expect(ownOf('Endpoint')).toEqual(expect.arrayContaining(['end', 'local', 'close', 'shutdown', 'copyTo']));
  expect(ownOf('Stage')).toEqual(expect.arrayContaining(['client', 'until', 'wire', 'note']));
  expect(ownOf('Definition')).toEqual(expect.arrayContaining(['id', 'factors', 'race', 'shows']));
});

test('experiments/README.md has a table with each member of each interface, and with nothing else', () => {
  expect(publicInterfaces.flatMap((name) => differences(name))).toEqual([]);
});

test('a verb without its row is found, and a row without its verb', () => {
  const planted = new Map(declared);
  const { members, parents } = declared.get('Queue')!;
  planted.set('Queue', { members: [...members, 'drain'], parents });
  expect(differences('Queue', planted)).toEqual(['Queue.drain has no row']);
  planted.set('Queue', { members: ['at'], parents });
  expect(differences('Queue', planted)).toEqual(['Queue has no close']);
});

test('experiments/README.md names every value that an experiment can import', () => {
  const values = exportsOf('value');
  expect(values).toEqual(expect.arrayContaining(['experiment', 'kind', 'synAck', 'median']));
  expect(values.filter((name) => !new RegExp(`\`${name}\\b`).test(guide))).toEqual([]);
});

test('experiments/README.md names every maker of a fact, and every option of a rule of the wire', () => {
  const makers = /^export const kind = \{\n(.*?)^\}/ms.exec(textOf('src/facts/kinds.ts'))![1]!;
  const names = [...makers.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name!);
  expect(names).toContain('outcome');
  expect(names.filter((name) => !tables.get('kind')?.includes(name))).toEqual([]);
  const options = [
    ...interfacesIn(textOf('src/experiment/rules.ts')),
    ...interfacesIn(textOf('src/experiment/wire.ts')),
  ]
    .filter(([name]) => name.endsWith('Options') || name === 'Times')
    .flatMap(([, { members }]) => members);
  expect(options).toContain('withinMs');
  expect(options.filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(guide))).toEqual([]);
});

const examples = [...guide.matchAll(/^```ts\n(\/\/ (\S+)\n.*?)^```/gms)].map(([, text, name]) => ({
  name: name!,
  text: text!,
}));

test('every block of TypeScript in experiments/README.md is a file with its name', () => {
  expect(examples.length).toBeGreaterThan(3);
  expect(guide.match(/^```ts$/gm)).toHaveLength(examples.length);
});

test('the examples of experiments/README.md type-check', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lingerlab-pages-'));
  try {
    for (const { name, text } of examples) await writeFile(join(folder, name), text);
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules', 'lingerlab'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    const settings = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules', '@types')] },
      include: ['*.ts'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { all, exitCode } = await execa(tsc, ['-p', folder], { all: true, reject: false });
    expect(all).toBe('');
    expect(exitCode).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each(pages)('files and folders that %s names or links to exist', (page) => {
  const links = [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path]) =>
    join(dirname(page), path!),
  );
  const named = [...textOf(page).matchAll(/`((?:src|test|experiments|results)\/[^`\s<>*]*)`/g)].map(
    ([, path]) => path!,
  );
  expect([...links, ...named].filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
