import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/record/tool.ts';
import { lingerlab, live, scratch } from './program.ts';

interface Page {
  readonly name: string;
  readonly commands: readonly string[];
  /** Its examples, each with the file's name in its first line. */
  readonly examples: readonly string[];
}

async function pageOf(name: string): Promise<Page> {
  const text = await readFile(join(packageRoot(), name), 'utf8');
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!);
  const commands = blocks('console').flatMap((block) => block.split('\n').filter((line) => line.startsWith('$ ')));
  return { name, commands, examples: blocks('ts') };
}

const pages = await Promise.all(['README.md', 'experiments/README.md', 'results/README.md'].map(pageOf));
/** As a shell takes them: what is in single quotes is one word. */
const wordsOf = (line: string): string[] => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));

describe.each(pages)('$name', ({ commands, examples }) => {
  const own = commands
    .filter((line) => line.startsWith('$ npx lingerlab '))
    .map(wordsOf)
    .map((words) => words.slice(3));

  live('its commands and examples', () => {
    let folder = '';
    beforeAll(async () => {
      folder = await scratch();
      for (const text of examples) {
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

  test('every command is of one of the two kinds that are tested', () => {
    expect(commands.filter((line) => !/^\$ (make|npx lingerlab) /.test(line))).toEqual([]);
  });

  test('it names only targets that the Makefile has', async () => {
    const makefile = await readFile(join(packageRoot(), 'Makefile'), 'utf8');
    const targets = commands.filter((line) => line.startsWith('$ make ')).map((line) => line.split(' ')[2]!);
    for (const target of targets) expect(makefile).toContain(`\n${target}:`);
  });
});

describe('experiments/README.md', () => {
  test('each of its examples is run', () => {
    const { commands, examples } = pages[1]!;
    const run = new Set(commands.filter((line) => line.includes(' run ')).flatMap(wordsOf));
    const names = examples.map((text) => /^\/\/ (\S+)/.exec(text)![1]!);
    expect(names.filter((name) => !run.has(`./${name}`))).toEqual([]);
  });
});

test('README.md names the targets to begin with', () => {
  expect(pages[0]!.commands).toEqual(expect.arrayContaining(['$ make experiments', '$ make test']));
});
