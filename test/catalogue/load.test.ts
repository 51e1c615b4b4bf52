import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LoadedExperiment } from '../../src/experiment/definition.ts';
import { type Called, call, callAlone, folderWith, question } from './program.ts';

const commonjs = `const { experiment } = require('lingerlab');
module.exports = experiment({ id: 'mine', question: 'q', factors: {}, async scenario() {}, claims: [], answer: () => '' });
`;

async function load(files: Record<string, string>, path = Object.keys(files)[0]!): Promise<Called<LoadedExperiment>> {
  await using folder = await folderWith(files);
  return await call<LoadedExperiment>(folder.path, 'catalogue/load.ts', 'loadFile', [path]);
}

describe('a file is loaded', () => {
  test('outside the repository with no node_modules near it', async () => {
    await using folder = await folderWith({ 'mine.ts': question });
    const { value, stderr } = await callAlone<LoadedExperiment>(folder.path, 'catalogue/load.ts', 'loadFile', [
      './mine.ts',
    ]);
    expect(value?.definition.id).toBe('my-question');
    expect(value?.file).toBe(join(folder.path, 'mine.ts'));
    expect(value?.sourceHash).toBe(createHash('sha256').update(question).digest('hex'));
    expect(stderr).toBe('');
  });

  test.each(['mine.ts', 'mine.mts', 'mine.js', 'mine.mjs'])('%s', async (name) => {
    const { value, error } = await load({ [name]: question });
    expect(error).toBeUndefined();
    expect(value?.definition.id).toBe('my-question');
  });

  test('as an ES module, silently, beside a package.json that says commonjs or nothing', async () => {
    for (const type of [{ type: 'commonjs' }, {}]) {
      await using folder = await folderWith({ 'mine.ts': question, 'package.json': JSON.stringify(type) });
      const { value, stderr } = await callAlone<LoadedExperiment>(folder.path, 'catalogue/load.ts', 'loadFile', [
        'mine.ts',
      ]);
      expect(value?.definition.id).toBe('my-question');
      expect(stderr).toBe('');
    }
  });

  test('as CommonJS where it is that', async () => {
    const { value } = await load({ 'mine.js': commonjs });
    expect(value?.definition.id).toBe('mine');
  });

  test('together with what it imports beside it', async () => {
    const { value } = await load({
      'mine.ts': `import { question } from './shared.ts';\n${question.replace(/question: '.*'/, 'question')}`,
      'shared.ts': "export const question: string = 'shared?';\n",
    });
    expect(value?.definition.question).toBe('shared?');
  });
});

describe('what type stripping refuses is an EXPERIMENT_SYNTAX with its position and the way out', () => {
  test.each([
    ['enum', 'enum A { x }', ':2:1', 'as const'],
    ['namespace', 'namespace A { export const x = 1; }', ':2:1', 'file of its own'],
    ['parameter property', 'class A { constructor(private x: number) {} }', ':2:31', 'assign'],
  ])('%s', async (what, text, position, remedy) => {
    const { error } = await load({ 'mine.ts': `const a: number = 1;\n${text}\nexport default a;\n` });
    expect(error?.code).toBe('EXPERIMENT_SYNTAX');
    expect(error?.message).toContain(`mine.ts${position}: TypeScript ${what}`);
    expect(error?.message).toContain(text);
    expect(error?.remedy).toContain(remedy);
  });
});

describe('a syntax error is told with its position', () => {
  test.each(['mine.ts', 'mine.mjs', 'mine.js'])('in %s', async (name) => {
    const { error } = await load({ [name]: 'const a = 1;\nconst b = = 2;\nexport default a;\n' });
    expect(error?.code).toBe('EXPERIMENT_SYNTAX');
    expect(error?.message).toMatch(`${name}:2:11: `);
  });

  test('in the file that it imports', async () => {
    const { error } = await load({ 'mine.ts': "import './other.ts';\n", 'other.ts': 'const = 2;\n' });
    expect(error?.code).toBe('EXPERIMENT_SYNTAX');
    expect(error?.message).toMatch(/other\.ts:1:7: /);
  });
});

describe('a file without an experiment is an EXPERIMENT_LOAD', () => {
  test.each([
    ['export const a = 1;\n', 'mine.ts has no default export'],
    ["export default { id: 'x' };\n", "mine.ts's default export is not an experiment"],
    [question.replace('export default', 'export const mine ='), 'mine.ts exports its experiment as mine'],
    ["\nthrow new RangeError('boom');\n", 'mine.ts:2:7 threw while loading: RangeError: boom'],
    ["throw 'text';\n", 'mine.ts threw while loading: text'],
    ["import 'no-such-package';\n", "Cannot find package 'no-such-package'"],
    ["import { experimnt } from 'lingerlab';\n", 'did you mean "experiment"?'],
  ])('%j', async (text, message) => {
    const { error } = await load({ 'mine.ts': text });
    expect(error?.code).toBe('EXPERIMENT_LOAD');
    expect(error?.message).toContain(message);
  });

  test('a type that is imported as a value is told to be one', async () => {
    const { error } = await load({ 'mine.ts': `import { type Cell, Stage } from 'lingerlab';\nexport default 1;\n` });
    expect(error?.message).toContain(
      "mine.ts:1:21: The requested module 'lingerlab' does not provide an export named 'Stage'",
    );
    expect(error?.remedy).toContain('import type');
  });

  test('a missing import names the file that was meant', async () => {
    const { error } = await load({ 'mine.ts': "import './share.ts';\n", 'shared.ts': '' });
    expect(error?.code).toBe('EXPERIMENT_LOAD');
    expect(error?.message).toMatch(/did you mean ".*\/shared\.ts"\?/);
  });

  test('TypeScript inside node_modules', async () => {
    const { error } = await load({ 'node_modules/pack/mine.ts': question });
    expect(error).toMatchObject({ code: 'EXPERIMENT_LOAD', remedy: expect.stringContaining('outside node_modules') });
  });
});

describe('a path that leads to no file', () => {
  test('names the file that was meant', async () => {
    const { error } = await load({ 'my-question.ts': '' }, 'my-qestion.ts');
    expect(error?.code).toBe('EXPERIMENT_LOAD');
    expect(error?.message).toBe('there is no file my-qestion.ts (did you mean "my-question.ts"?)');
  });

  test('in a folder that does not exist, and a folder itself', async () => {
    expect((await load({}, 'nowhere/mine.ts')).error?.message).toBe('there is no file nowhere/mine.ts');
    expect((await load({ 'sub.ts/x': '' }, 'sub.ts')).error?.message).toBe('sub.ts is a folder');
  });

  test('of another kind', async () => {
    const { error } = await load({ 'mine.tsx': question });
    expect(error).toMatchObject({ code: 'EXPERIMENT_LOAD', remedy: expect.stringContaining('.ts .mts .js .mjs') });
  });
});

test('a definition that is wrong is told with the path as it was given', async () => {
  const { error } = await load({ 'sub/mine.ts': question.replace("'my-question'", "'My question'") });
  expect(error?.code).toBe('BAD_DEFINITION');
  expect(error?.message).toContain('sub/mine.ts does not define an experiment');
});
