import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Checked } from '../../src/catalogue/check.ts';
import { type Called, call, callAlone, folderWith, question } from '../catalogue/program.ts';

async function check(text: string, files: Record<string, string> = {}): Promise<Called<Checked>> {
  await using folder = await folderWith({ 'mine.ts': text, ...files });
  return await call<Checked>(folder.path, 'catalogue/check.ts', 'checkFile', ['mine.ts']);
}

/** The line of a text that holds something, from 1. */
const lineOf = (text: string, part: string): number => text.split('\n').findIndex((line) => line.includes(part)) + 1;

test('a right file passes without a word', async () => {
  expect((await check(question)).value).toEqual({ ok: true, output: '' });
});

test('a counter that this kernel does not have is named, and the file fits', async () => {
  const shows = "shows: ['counters.server.Tcp.Nonsense', 'counters.client.TcpExt.TW'],";
  const text = question
    .replace(
      "facts['timeWait.holder'] === cell.closes",
      "facts['counters.lab.TcpExt.NoSuchThing'] === cell.closes.length",
    )
    .replace('question:', `${shows}\n  question:`);
  const { value } = await check(text);
  expect(value).toMatchObject({ ok: true, output: '' });
  const at = (part: string) => `mine.ts:${lineOf(text, part)}`;
  expect(value?.notes?.map((note) => note.split(/:\d+: |: /).slice(0, 2)).sort()).toEqual([
    [at('NoSuchThing'), 'counters.lab.TcpExt.NoSuchThing'],
    [at('Nonsense'), 'counters.server.Tcp.Nonsense'],
  ]);
  expect(value?.notes?.[0]).toContain('this kernel has no such counter');
});

describe("a mistake is an error of the compiler at the file's own line", () => {
  test.each([
    [
      'a value that the factor does not have',
      "cell.linger === 'off'",
      "cell.linger === 'none'",
      '\'"none"\' have no overlap',
    ],
    ['a fact that does not exist', "'timeWait.holder'", "'timeWait.holdr'", "Did you mean 'timeWait.holder'"],
    ['a state that does not exist', "'CLOSE-WAIT'", "'CLOSE_WAIT'", '"CLOSE_WAIT"'],
    ['a value that a measure may not have', "note('winner', 'old')", "note('winner', 'olde')", '"olde"'],
    ['a key that does not exist', 'question:', 'qestion:', "'qestion'"],
    ['a missing await is not one, a wrong type is', "set('SO_LINGER', 0)", "set('SO_LINGER', '0')", '\'"0"\''],
  ])('%s', async (_, right, wrong, said) => {
    const text = question.replace(right, wrong);
    const { value } = await check(text);
    expect(value?.ok).toBe(false);
    expect(value?.output).toContain(said);
    expect(value?.output).toMatch(new RegExp(`^mine\\.ts\\(${lineOf(text, wrong)},\\d+\\): error TS\\d+: `, 'm'));
  });

  test('an enum, and a type that is imported as a value', async () => {
    expect((await check(`enum A { x }\n${question}`)).value?.output).toMatch(/^mine\.ts\(1,6\): error TS1294/m);
    const value = question.replace('{ experiment,', '{ Stage, experiment,');
    const line = lineOf(value, '{ Stage');
    expect((await check(value)).value?.output).toMatch(new RegExp(`^mine\\.ts\\(${line},10\\): error TS1484`, 'm'));
  });
});

describe('what a file tells the wire', () => {
  const wired = (network: string, step: string) =>
    question
      .replace('{ experiment, kind }', '{ experiment, fin, kind }')
      .replace('measures:', `${network}\n  measures:`)
      .replace('{ client, server, until, note }', '{ client, server, wire, until, note }')
      .replace("note('winner'", `${step}\n    note('winner'`);
  const wire = "network: 'wire',";
  const byCell = "network: ({ linger }) => (linger === 'off' ? 'wire' : 'veth'),";

  test.each([
    ['on the network', wire],
    ['on a network that may be it', byCell],
  ])('%s passes', async (_, network) => {
    const step = "await wire.drop(fin.from('server').nth(2), { times: 1 });";
    expect((await check(wired(network, step))).value).toEqual({ ok: true, output: '' });
  });

  test('where it cannot be it is an error at its line', async () => {
    const wrong = {
      'await wire.drop(fin, { times: 0 });': 'a whole number from 1 on',
      'await wire.seen(fin.nth(0));': 'a whole number from 1 on',
      "await wire.drop(fin.from('clint'));": `'"clint"'`,
      'await wire.drop(fin, { time: 1 });': "'time' does not exist",
      "await wire.inject({ from: 'client', on: near, flags: ['FYN'] });": `"FYN"`,
    };
    const text = wired(wire, Object.keys(wrong).join('\n    '));
    const { value } = await check(text);
    const lines = value?.output.split('\n') ?? [];
    for (const [step, said] of Object.entries(wrong)) {
      const at = `mine.ts(${lineOf(text, step)},`;
      expect(lines.find((line) => line.startsWith(at))).toContain(said);
    }
  });

  test.each([
    ['veth', "network: 'veth',"],
    ['no network at all', ''],
  ])('on %s is an error that says what it needs', async (_, network) => {
    const { value } = await check(wired(network, 'await wire.drop(fin);'));
    expect(value?.output).toContain("Property 'drop' does not exist on type 'never'");
    expect(value?.output).toContain("a stage has a wire only with network: 'wire'");
  });

  test('where the file is loaded: a pattern outside the scenario', async () => {
    const text = question.replace(
      'export default',
      "const late = fin.from('clint' as never);\nvoid late;\nexport default",
    );
    const { value } = await check(text.replace('{ experiment, kind }', '{ experiment, fin, kind }'));
    expect(value?.output).toContain(`unknown value 'clint' (did you mean "client"?)`);
  });
});

describe('what is not awaited', () => {
  test('is an error with its line, of this program as of others; what is voided is not', async () => {
    const wait = 'export const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));\n';
    const text = question
      .replace('import {', "import { wait } from './lib/wait.ts';\nimport {")
      .replace("note('winner'", "near.info();\n    wait(1);\n    void near.info();\n    note('winner'");
    const { value } = await check(text, { 'lib/wait.ts': wait });
    const at = (part: string) => `mine.ts:${lineOf(text, part)}:5: ${part}`;
    expect(value?.ok).toBe(false);
    expect(value?.output).toBe(
      [
        'lingerlab: STEP_UNAWAITED: mine.ts does not await what it starts:',
        at('near.info();'),
        at('wait(1);'),
        '  write `await` before each; before one that is not to be awaited, `void`\n',
      ].join('\n'),
    );
  });
});

test('a sysctl that this kernel does not have is named with the one that was meant, and the file fits', async () => {
  const sysctls = "sysctls: () => ({ 'net.ipv4.tcp_fin_timeot': 3, 'net/ipv4/tcp_tw_reuse': 1 }),\n  claims: [";
  const text = question.replace('claims: [', sysctls);
  const { value } = await check(text);
  expect(value).toEqual({
    ok: true,
    output: '',
    notes: [
      `mine.ts:${lineOf(text, 'tcp_fin_timeot')}:22: net.ipv4.tcp_fin_timeot: this kernel has no such sysctl in a network namespace (did you mean "net.ipv4.tcp_fin_timeout"?); cells that set it do not run here`,
    ],
  });
});

test('a claim that speaks of no cell is an error; of none of the default matrix, a note', async () => {
  const claim = (when: string) =>
    question.replace('claims: [', `claims: [{ id: 'c', text: 't', source: 's', when: ${when}, holds: () => true },`);
  const never = (await check(claim('() => false'))).value;
  expect(never?.output).toBe(
    "lingerlab: BAD_DEFINITION: mine.ts: the claim c of my-question applies to none of its cells\n  correct the claim's `when`\n",
  );
  const text = claim("({ linger }) => linger === 'zero'").replace(
    'question:',
    "only: ({ linger }) => linger === 'off',\n  question:",
  );
  expect((await check(text)).value).toMatchObject({
    ok: true,
    notes: expect.arrayContaining(['the claim c of my-question applies to none of its cells that run without --all']),
  });
});

test('errors of types, of the definition and of what is not awaited come in one round', async () => {
  const text = question
    .replace("'my-question'", "'My question'")
    .replace("'CLOSE-WAIT'", "'CLOSE_WAIT'")
    .replace("note('winner'", "near.info();\n    note('winner'")
    .replace('claims: [', "sysctls: () => ({ 'net.ipv4.tcp_fin_timeot': 3 }),\n  claims: [");
  const { value } = await check(text);
  const heads = value?.output.match(/^lingerlab: [A-Z_]+/gm);
  expect(value?.notes).toEqual([expect.stringContaining('did you mean "net.ipv4.tcp_fin_timeout"')]);
  expect(heads).toEqual(['lingerlab: EXPERIMENT_TYPES', 'lingerlab: STEP_UNAWAITED', 'lingerlab: BAD_DEFINITION']);
});

test('what types cannot tell is found by loading: the form of an id, values given twice', async () => {
  const { value } = await check(
    question.replace("'my-question'", "'My question'").replace("['off', 'zero']", "['off', 'zero', 'off']"),
  );
  expect(value?.ok).toBe(false);
  expect(value?.output).toContain('id: must be lower-case words joined by hyphens');
  expect(value?.output).toContain('factors.linger: the value "off" is given twice');
});

test('a function of the cell that throws is found with its cell', async () => {
  const throwing =
    "seconds: ({ linger }) => { if (linger === 'zero') throw new Error('boom'); return 1; },\n  claims: [";
  const { value } = await check(question.replace('claims: [', throwing));
  expect(value).toMatchObject({ ok: false, output: expect.stringContaining('my-question/closes=client,linger=zero') });
  expect(value?.output).toContain('"seconds" threw: boom');
});

test('console and setTimeout need no @types/node, and a file of JavaScript is checked, too', async () => {
  const text = question.replace('note(', "console.log('here');\n    setTimeout(() => {}, 1);\n    note(");
  expect((await check(text)).value).toEqual({ ok: true, output: '' });
  await using folder = await folderWith({ 'mine.mjs': question.replace("'timeWait.holder'", "'timeWait.holdr'") });
  const { value } = await call<Checked>(folder.path, 'catalogue/check.ts', 'checkFile', ['mine.mjs']);
  expect(value?.output).toMatch(/^mine\.mjs\(\d+,\d+\): error TS2551/m);
});

test('@types/node beside the file is used', async () => {
  const text = `import { nodeOnly } from 'node:only';\n${question}`;
  const types = {
    'node_modules/@types/node/package.json': '{ "name": "@types/node", "version": "1.0.0", "types": "index.d.ts" }',
    'node_modules/@types/node/index.d.ts': "declare module 'node:only' { export const nodeOnly: number; }",
  };
  expect((await check(text)).value?.output).toContain("'node:only'");
  // the module exists for the compiler alone, so that it is loading that fails now
  expect((await check(text, types)).value?.output).toContain('No such built-in module: node:only');
});

test('a file that does not exist is an error of its own', async () => {
  await using folder = await folderWith({});
  const { error } = await call<Checked>(folder.path, 'catalogue/check.ts', 'checkFile', ['mine.ts']);
  expect(error).toMatchObject({ code: 'EXPERIMENT_LOAD', message: 'there is no file mine.ts' });
});

test('nothing is left in the temporary folder, whatever was found', async () => {
  await using folder = await folderWith({ 'mine.ts': question, 'wrong.ts': 'const a: string = 1;\n', 'tmp/x': '' });
  vi.stubEnv('TMPDIR', join(folder.path, 'tmp'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const check = (file: string) => callAlone<Checked>(folder.path, 'catalogue/check.ts', 'checkFile', [file]);
  expect((await check('mine.ts')).value?.ok).toBe(true);
  expect((await check('wrong.ts')).value?.ok).toBe(false);
  expect(await readdir(join(folder.path, 'tmp'))).toEqual(['x']);
});
