import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { commitOf, packageRoot, tool } from '../../src/record/tool.ts';
import { temporary } from './temporary.ts';

const commit = 'b975ed5b975ed5b975ed5b975ed5b975ed5b975e';

function checkout(files: Record<string, string>): string {
  const root = temporary();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text.replaceAll('ROOT', root));
  }
  return root;
}

test('finds its own package and version', () => {
  const { name, version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  expect(tool()).toMatchObject({ name, version });
});

test.each<[string, Record<string, string>, string | null]>([
  ['a branch', { '.git/HEAD': 'ref: refs/heads/main\n', '.git/refs/heads/main': `${commit}\n` }, commit],
  ['a detached HEAD', { '.git/HEAD': `${commit}\n` }, commit],
  [
    'a packed branch',
    {
      '.git/HEAD': 'ref: refs/heads/main\n',
      '.git/packed-refs': `# pack-refs with: peeled\n${commit} refs/heads/main\n`,
    },
    commit,
  ],
  [
    'a linked work tree',
    {
      '.git': 'gitdir: ROOT/main/.git/worktrees/w\n',
      'main/.git/worktrees/w/HEAD': 'ref: refs/heads/w\n',
      'main/.git/worktrees/w/commondir': '../..\n',
      'main/.git/refs/heads/w': `${commit}\n`,
    },
    commit,
  ],
  ['no commit yet', { '.git/HEAD': 'ref: refs/heads/main\n' }, null],
  ['no checkout', { 'package.json': '{}' }, null],
])('reads the commit of %s', (_, files, expected) => expect(commitOf(checkout(files))).toBe(expected));
