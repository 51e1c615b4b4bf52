import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cli } from '../../src/cli.ts';
import { packageRoot } from '../../src/record/tool.ts';

/** What is written while `work` lasts. */
async function writtenBy(work: () => Promise<number>): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk: unknown, ...more: unknown[]) => {
      text += chunk;
      for (const told of more) if (typeof told === 'function') told();
      return true;
    }),
  );
  try {
    return { code: await work(), text };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const commands = ['run', 'list', 'explain', 'report', 'show', 'compare', 'guide', 'new', 'check', 'schema', 'doctor'];
const helps = await (async () => {
  const texts: string[] = [];
  for (const command of commands) texts.push((await writtenBy(() => cli(['help', command]))).text);
  return texts;
})();
/** As a shell takes them: what is in single quotes is one word; what is redirected or piped is the shell's. */
const examples = helps.flatMap((text) =>
  [...text.matchAll(/^ {2}\$ lingerlab (.*)$/gm)].map(([, line = '']) => ({
    line,
    words: (line.split(/ [|>] /)[0]?.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", '')),
  })),
);

const kept = join(packageRoot(), 'results', 'reference');
let folder = '';
const cwd = process.cwd();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lingerlab-help-'));
  process.chdir(folder);
  const [newest = ''] = readdirSync(kept)
    .filter((name) => existsSync(join(kept, name, 'run.json.gz')))
    .sort()
    .reverse();
  for (const name of ['20261120-084500-6.18.44', 'a', 'b'])
    cpSync(join(kept, newest), join(folder, 'results', name), { recursive: true });
  mkdirSync(join(folder, 'sysctl.d'));
  writeFileSync(join(folder, 'sysctl.d', '99-tuning.conf'), 'net.ipv4.tcp_fin_timeout = 10\n');
  await writtenBy(() => cli(['new', 'my-question']));
});
afterAll(async () => {
  process.chdir(cwd);
  await rm(folder, { recursive: true });
});

/** The example with what it needs here. A run is only planned; which new file there is, another test says. */
function prepared([command = '', ...words]: readonly string[]): string[] {
  const own = words
    .flatMap((word) => (word === 'results/*' ? ['results/a', 'results/b'] : [word]))
    .map((word) => word.replace('/etc/', './'));
  if (command === 'run') return [command, ...own, '--dry-run'];
  return [command, ...own.map((word) => (command === 'new' ? `${word}-too` : word))];
}

// doctor tries what the machine can do, and has tests of its own; check runs the type checker, which its own tests do
const tried = examples.filter(({ words: [command] }) => command !== 'doctor' && command !== 'check');

test('each command has an example', () => {
  expect(commands.filter((command) => !examples.some(({ words }) => words[0] === command))).toEqual([]);
  expect(tried.length).toBeGreaterThan(15);
});

test.each(tried)(
  'lingerlab $line',
  async ({ words }) => {
    const { code, text } = await writtenBy(() => cli(prepared(words)));
    // a run that is kept has no events: its cell was found
    if (words[0] === 'show' && text.includes('has no events of')) return;
    expect(text).not.toContain('lingerlab:');
    expect(code, text).toBe(0);
    expect(text).not.toBe('');
  },
  60_000,
);
