import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/record/tool.ts';
import { lingerlab, live, scratch } from './program.ts';

const readme = await readFile(join(packageRoot(), 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);
const commands = blocks('console').flatMap((text) => text.split('\n').filter((line) => line.startsWith('$ ')));
/** As a shell takes them: what is in single quotes is one word. */
const wordsOf = (line: string): string[] => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
const own = commands
  .filter((line) => line.startsWith('$ npx lingerlab '))
  .map(wordsOf)
  .map((words) => words.slice(3));

live('the README', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await scratch();
    for (const text of blocks('ts')) {
      const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1];
      await writeFile(join(folder, name!), text);
    }
  });

  // in their order: a later one uses what an earlier one made
  test.each(own.map((args) => ({ line: args.join(' '), args })))('lingerlab $line', async ({ args }) => {
    const { exitCode, stdout, stderr } = await lingerlab(args, { cwd: folder });
    expect(stderr).not.toContain('lingerlab:');
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout).not.toBe('');
  });
});

describe('the README', () => {
  test('names only targets that the Makefile has', async () => {
    const makefile = await readFile(join(packageRoot(), 'Makefile'), 'utf8');
    const targets = commands.filter((line) => line.startsWith('$ make ')).map((line) => line.split(' ')[2]!);
    expect(targets).toEqual(expect.arrayContaining(['experiments', 'test']));
    for (const target of targets) expect(makefile).toContain(`\n${target}:`);
  });

  test('every command is of one of the two kinds that are tested', () => {
    expect(commands.filter((line) => !/^\$ (make|npx lingerlab) /.test(line))).toEqual([]);
  });

  test('its map names only rooms that exist', async () => {
    const rooms = [...readme.matchAll(/^\| `((?:src|test|experiments|results)[^|]*?) \|/gm)].flatMap(([, cell]) =>
      cell!.split(',').map((name) => name.replaceAll('`', '').trim()),
    );
    expect(rooms.length).toBeGreaterThan(12);
    for (const room of rooms) await access(join(packageRoot(), room));
  });
});
