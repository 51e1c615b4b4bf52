import { copyFileSync, readFileSync } from 'node:fs';
import { access, cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { entryPoint, programBundle, programs } from '../../src/process/entry.ts';
import { type Making, made } from '../../src/process/made.ts';

/** A root with one source, written a while ago, and what is made from it: a copy. */
async function copying(): Promise<Making & { readonly root: string; readonly source: string; times: number }> {
  const root = await mkdtemp(join(tmpdir(), 'lingerlab-made-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const source = join(root, 'source');
  await write(source, 'one');
  const making = {
    root,
    source,
    name: 'a/copy',
    how: 'by copying',
    times: 0,
    make(folder: string) {
      making.times++;
      copyFileSync(source, join(folder, 'copy'));
      return [source];
    },
  };
  return making;
}

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await utimes(path, 0, 0);
}

const copyIn = (folder: string): string => readFileSync(join(folder, 'copy'), 'utf8');

test('what is made is kept while its sources stay, and made again from what they say now', async () => {
  const making = await copying();
  const first = made(making);
  expect(copyIn(first)).toBe('one');
  expect(made(making)).toBe(first);
  expect(making.times).toBe(1);
  await write(making.source, 'two');
  expect(copyIn(made(making))).toBe('two');
  // whoever started before goes on with what it was given
  expect(copyIn(first)).toBe('one');
  expect(making.times).toBe(2);
});

test('a source that was touched and says the same is read again, and nothing is made again', async () => {
  const making = await copying();
  const first = made(making);
  await write(making.source, 'one');
  expect(made(making)).toBe(first);
  expect(making.times).toBe(1);
  // of the same length, at the same time of modification
  await write(making.source, 'six');
  expect(copyIn(made(making))).toBe('six');
});

test('another way of making, a source that went and a folder that went are changes, too', async () => {
  const making = await copying();
  const first = made(making);
  expect(made({ ...making, how: 'otherwise' })).not.toBe(first);
  await rm(made(making), { recursive: true });
  expect(copyIn(made(making))).toBe('one');
  await rm(making.source);
  expect(() => made(making)).toThrow('ENOENT');
});

test('a source that is written while it is read is read again by the next', async () => {
  const making = await copying();
  await writeFile(making.source, 'now');
  expect(copyIn(made(making))).toBe('now');
  await utimes(making.source, 0, 0);
  made(making);
  expect(making.times).toBe(2);
});

test('two that make it at once get the same, and nothing else is left', async () => {
  const making = await copying();
  let inner = '';
  const outer = made({
    ...making,
    make(folder) {
      inner = made(making);
      return making.make(folder);
    },
  });
  expect(inner).toBe(outer);
  expect(copyIn(outer)).toBe('one');
  expect(await readdir(join(making.root, 'node_modules/.cache/lingerlab'))).toHaveLength(2);
});

test('a checkout that is copied with its cache has sources of its own', async () => {
  const [original, copy] = [await copying(), await copying()];
  made(original);
  const cache = 'node_modules/.cache/lingerlab';
  await cp(join(original.root, cache), join(copy.root, cache), { recursive: true });
  await write(copy.source, 'of the copy');
  expect(copyIn(made(copy))).toBe('of the copy');
});

test('a place where nothing can be written is an error that names it, unless all is fresh', async () => {
  const making = await copying();
  await write(join(making.root, 'node_modules'), 'no folder');
  expect(() => made(making)).toThrow(
    expect.objectContaining({
      code: 'NOT_MADE',
      message: expect.stringContaining(join(making.root, 'node_modules')),
      remedy: expect.stringContaining('may write there'),
    }),
  );
});

test('the bundle of the whole program exports what an experiment imports, and starts the programs beside it', async () => {
  const bundle = programBundle();
  const text = await readFile(bundle, 'utf8');
  expect(text).not.toMatch(/from ["']\.\.?\//);
  expect(text).not.toMatch(/[^\0-\x7f]/);
  const exported = /export \{([^}]*)\};?\s*(?:\/\/# sourceMappingURL=.*)?\s*$/.exec(text)?.[1] ?? '';
  for (const name of ['main', ...Object.keys(await import('../../src/index.ts'))])
    expect(exported).toMatch(new RegExp(`(?:^|[ ,])${name}(?:,|\\s|$)`));
  expect(entryPoint('peers/main')).toBe(join(bundle, '..', '..', 'peers', 'main.cjs'));
});

test('each program is one file that other users can read', async () => {
  for (const program of programs) {
    const path = entryPoint(program);
    expect(path.endsWith(`/${program}.cjs`)).toBe(true);
    await access(path);
    expect(await readFile(path, 'utf8')).not.toMatch(/require\("\.\.?\//);
  }
});
