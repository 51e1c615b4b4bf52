import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourceHashOf } from '../../src/catalogue/modules.ts';
import type { LoadedExperiment } from '../../src/experiment/definition.ts';
import { call, folderWith, question } from './program.ts';

const load = async (folder: string, path: string): Promise<LoadedExperiment | undefined> =>
  (await call<LoadedExperiment>(folder, 'catalogue/load.ts', 'loadFile', [path])).value;

/** What is loaded of `mine.ts`, or of another file, with these files beside it. */
async function loaded(files: Readonly<Record<string, string>>, path = 'mine.ts') {
  await using folder = await folderWith(files);
  return await load(folder.path, path);
}

const importing = (...modules: readonly string[]): string =>
  `${modules.map((module) => `import '${module}';\n`).join('')}${question}`;

describe("an experiment's modules", () => {
  test('are what it imports, and what that imports, in folders around it, too', async () => {
    const found = await loaded(
      {
        'here/mine.ts': importing('./one.ts', '../shared/two.ts'),
        'here/one.ts': "export * from '../shared/three.ts';\n",
        'shared/two.ts': "import './three.ts';\n",
        'shared/three.ts': "import '../here/one.ts';\n",
        'shared/four.ts': '',
      },
      'here/mine.ts',
    );
    expect(found?.modules).toEqual(['../shared/three.ts', '../shared/two.ts', 'one.ts']);
  });

  test('are no packages, no types, and nothing of this program', async () => {
    const found = await loaded({
      'mine.ts': `import type { Word } from './types.ts';\nexport type { Word };\n${importing('pack', 'node:path')}`,
      'types.ts': 'export type Word = string;\n',
      'node_modules/pack/package.json': '{ "name": "pack", "type": "module", "exports": "./index.js" }',
      'node_modules/pack/index.js': "import './other.js';\n",
      'node_modules/pack/other.js': '',
    });
    expect(found?.modules).toEqual([]);
  });

  test('are data and CommonJS, too', async () => {
    const found = await loaded({
      'mine.ts': `import data from './data.json' with { type: 'json' };\nexport { data };\n${importing('./old.cjs')}`,
      'data.json': '{}',
      'old.cjs': "require('./older.cjs');\n",
      'older.cjs': '',
    });
    expect(found?.modules).toEqual(['data.json', 'old.cjs', 'older.cjs']);
  });

  test('are those beside the file that a symbolic link leads to', async () => {
    await using folder = await folderWith({ 'there/mine.ts': importing('./one.ts'), 'there/one.ts': '' });
    const link = join(folder.path, 'link.ts');
    await symlink('there/mine.ts', link);
    const found = await load(folder.path, 'link.ts');
    expect(found?.modules).toEqual(['one.ts']);
    expect(await sourceHashOf(link, Buffer.from(importing('./one.ts')), ['one.ts'])).toBe(found?.sourceHash);
  });
});

describe('the hash of the source', () => {
  const hashed = async (files: Readonly<Record<string, string>>) => (await loaded(files))?.sourceHash;
  const files = { 'mine.ts': importing('./one.ts'), 'one.ts': "import './two.ts';\n", 'two.ts': '// first\n' };

  test('is the same of the same source, wherever it lies', async () => {
    expect(await hashed(files)).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashed(files)).toBe(await hashed(files));
  });

  test('is another where the file has changed, a module, or one that a module imports', async () => {
    const changed = [
      { ...files, 'mine.ts': `${files['mine.ts']}\n` },
      { ...files, 'one.ts': `${files['one.ts']}\n` },
      { ...files, 'two.ts': '// second\n' },
    ];
    const hashes = await Promise.all([files, ...changed].map(hashed));
    expect(new Set(hashes).size).toBe(4);
  });

  test('is known before anything is loaded, and not where a module is gone', async () => {
    await using folder = await folderWith(files);
    const found = await load(folder.path, 'mine.ts');
    const file = join(folder.path, 'mine.ts');
    const bytes = Buffer.from(files['mine.ts']);
    expect(await sourceHashOf(file, bytes, found?.modules ?? [])).toBe(found?.sourceHash);
    await expect(sourceHashOf(file, bytes, ['gone.ts'])).rejects.toThrow('ENOENT');
  });
});
