import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtins, registry } from '../../src/catalogue/registry.ts';
import type { LoadedExperiment } from '../../src/experiment/definition.ts';
import type { Declaration } from '../../src/record/fact.ts';
import { call, folderWith, userFile } from './compiled.ts';

const named = (id: string): string => userFile().replace("'my-question'", `'${id}'`);
const loaded = (id: string, file: string): LoadedExperiment =>
  ({ definition: { id }, file, sourceHash: '' }) as unknown as LoadedExperiment;

describe("a folder's experiments", () => {
  test('are ordered by id and called by their file', async () => {
    await using folder = await folderWith({
      'a.js': named('second'),
      'b.js': named('first'),
      'b.d.ts': '',
      'b.js.map': '{}',
    });
    const { value, error } = await call<LoadedExperiment[]>('/', 'catalogue/registry.js', 'builtins', [
      `${folder.path}/`,
    ]);
    expect(error).toBeUndefined();
    expect(value?.map(({ definition, file }) => [definition.id, file])).toEqual([
      ['first', 'builtin:b'],
      ['second', 'builtin:a'],
    ]);
    expect(value?.[0]?.sourceHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('with one id twice are refused, naming both files', async () => {
    await using folder = await folderWith({ 'a.js': named('same'), 'b.js': named('same') });
    const { error } = await call<LoadedExperiment[]>('/', 'catalogue/registry.js', 'builtins', [folder.path]);
    expect(error?.code).toBe('DUPLICATE_EXPERIMENT');
    expect(error?.message).toBe('two experiments have the id "same": builtin:a and builtin:b');
  });

  test('that are not there are an installation that is not whole', async () => {
    await expect(builtins(join('/nowhere', 'experiments'))).rejects.toMatchObject({ code: 'EXPERIMENT_LOAD' });
  });
});

test('the program finds its own experiments, compiled and from source', async () => {
  const fromSource = await builtins();
  const compiled = await call<LoadedExperiment[]>('/', 'catalogue/registry.js', 'builtins', []);
  const ids = (all: readonly LoadedExperiment[] | undefined) => all?.map(({ definition }) => definition.id);
  expect(ids(compiled.value)).toEqual(ids(fromSource));
  expect(ids(fromSource)?.length).toBeGreaterThan(0);
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
