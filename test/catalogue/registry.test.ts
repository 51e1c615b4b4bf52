import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtinIds, builtins, registry } from '../../src/catalogue/registry.ts';
import type { LoadedExperiment } from '../../src/experiment/definition.ts';
import type { Declaration } from '../../src/record/fact.ts';
import { call, folderWith, question } from './program.ts';

const named = (id: string): string => question.replace("'my-question'", `'${id}'`);
const loaded = (id: string, file: string): LoadedExperiment =>
  ({
    definition: { id },
    group: { title: '', order: file.startsWith('builtin:') ? 1 : 2 },
    file,
    builtin: false,
    modules: [],
    sourceHash: '',
  }) as unknown as LoadedExperiment;

const titled = (title: string, order: number): string =>
  `import type { Group } from 'lingerlab';\nexport default { title: '${title}', order: ${order} } satisfies Group;\n`;
const from = (path: string) => call<LoadedExperiment[]>('/', 'catalogue/registry.ts', 'builtins', [{ folder: path }]);

describe("a folder's experiments", () => {
  test('are ordered by group and id, have the group of their folder and are called by their file', async () => {
    await using folder = await folderWith({
      'a.ts': named('loose'),
      'late/group.ts': titled('Later', 20),
      'late/b.ts': named('first'),
      'late/deep/c.ts': named('deep'),
      'soon/group.ts': titled('Sooner', 10),
      'soon/d.ts': named('second'),
      'soon/e.ts': named('before-second'),
      'soon/e.d.ts': '',
      'soon/e.ts.map': '{}',
      'soon/shared/words.ts': 'export const word = 1;\n',
      'shared/deep/words.ts': 'export const word = 1;\n',
    });
    const { value, error } = await from(`${folder.path}/`);
    expect(error).toBeUndefined();
    expect(value?.map(({ definition, group, file }) => [definition.id, group.title, file])).toEqual([
      ['before-second', 'Sooner', 'builtin:soon/e'],
      ['second', 'Sooner', 'builtin:soon/d'],
      ['deep', 'Later', 'builtin:late/deep/c'],
      ['first', 'Later', 'builtin:late/b'],
      ['loose', 'Experiments', 'builtin:a'],
    ]);
    expect(value?.[0]?.sourceHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('have the hash of what they share, each that imports it', async () => {
    const importing = (id: string) => `import '../shared/words.ts';\n${named(id)}`;
    const files = { 'one/a.ts': importing('a'), 'one/b.ts': importing('b'), 'one/c.ts': named('c') };
    const hashes = async (words: string) => {
      await using folder = await folderWith({ ...files, 'shared/words.ts': words });
      return (await from(folder.path)).value?.map(({ modules, sourceHash }) => ({ modules, sourceHash })) ?? [];
    };
    const [before, after] = [await hashes('export const word = 1;\n'), await hashes('export const word = 2;\n')];
    expect(before.map(({ modules }) => modules)).toEqual([['../shared/words.ts'], ['../shared/words.ts'], []]);
    expect(after.map(({ sourceHash }, index) => sourceHash === before[index]?.sourceHash)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('with one id twice are refused, naming both files', async () => {
    await using folder = await folderWith({ 'one/a.ts': named('same'), 'two/b.ts': named('same') });
    const { error } = await from(folder.path);
    expect(error?.code).toBe('DUPLICATE_EXPERIMENT');
    expect(error?.message).toMatch(/^two experiments have the id "same": builtin:(one\/a|two\/b) and builtin:/);
  });

  test('in a folder whose group says no title are refused, naming the file', async () => {
    await using folder = await folderWith({ 'one/group.ts': 'export default { order: 1 };\n', 'one/a.ts': named('a') });
    expect((await from(folder.path)).error?.message).toBe(
      `${folder.path}/one/group.ts does not declare a group of experiments`,
    );
  });

  test('that are not there are an installation that is not whole', async () => {
    await expect(builtins({ folder: join('/nowhere', 'experiments') })).rejects.toMatchObject({
      code: 'EXPERIMENT_LOAD',
    });
  });
});

test("each of the program's own experiments has a group, in the order in which a connection lives", async () => {
  const own = await builtins();
  expect([...new Set(own.map(({ group }) => group.title))]).toEqual([
    'Opening',
    'Closing',
    'Lingering',
    'TIME-WAIT',
    'Port reuse',
    'Stuck',
    'Segments',
    'Myths',
    'Load',
  ]);
});

test("the program's own experiments are known by their files' names, and loaded by them", async () => {
  const ids = (await builtins()).map(({ definition }) => definition.id);
  expect([...(await builtinIds())].toSorted()).toEqual(ids.toSorted());
  const some = await builtins({ isWanted: (id) => id.startsWith('linger-wait') || id === 'close-order' });
  expect(some.map(({ definition }) => definition.id)).toEqual(['close-order', 'linger-wait']);
});

test('every fact of their own says what it is', async () => {
  const silent = (await builtins()).flatMap(({ definition }) =>
    Object.entries<Declaration>(definition.measures ?? {}).flatMap(([name, { text }]) =>
      text ? [] : `${definition.id}: ${name}`,
    ),
  );
  expect(silent).toEqual([]);
});

test('one file given twice counts once, two files with one id are refused', () => {
  const mine = loaded('mine', '/home/me/mine.ts');
  expect(registry([mine, loaded('close-order', 'builtin:close-order'), { ...mine }]).map(({ file }) => file)).toEqual([
    'builtin:close-order',
    '/home/me/mine.ts',
  ]);
  expect(() => registry([mine, loaded('mine', 'builtin:mine')])).toThrow(
    'two experiments have the id "mine": /home/me/mine.ts and builtin:mine',
  );
});
