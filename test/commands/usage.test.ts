import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cli } from '../../src/cli.ts';

let written = '';
const keep = (text: unknown): boolean => {
  written += text;
  return true;
};
beforeEach(() => {
  written = '';
  vi.stubEnv('COLUMNS', '100');
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('a command line that is refused ends with 2, a code, what is wrong and what to do', () => {
  test.each([
    [
      ['run', '--job', '2'],
      "BAD_OPTION: unknown option '--job' (did you mean --jobs?)\n  lingerlab run --help lists the options, and what each takes",
    ],
    [
      ['run', '-j', '0'],
      "BAD_OPTION: option '-j, --jobs <n>' argument '0' is invalid: it must be a whole number from 1 on\n",
    ],
    [['run', '--out'], "BAD_OPTION: option '-o, --out <dir>' argument missing\n"],
    [['run', '--resume', 'x', '--all'], "BAD_OPTION: option '--resume <dir>' cannot be used with option '--all'\n"],
    [['report'], "BAD_ARGUMENT: missing required argument 'run'\n  write: lingerlab report [options] <run>"],
    [['schema', 'run', 'cell'], "BAD_ARGUMENT: too many arguments for 'schema'."],
    [['lst'], "UNKNOWN_COMMAND: unknown command 'lst' (did you mean list?)\n  lingerlab --help lists the commands"],
    [
      ['kernels', 'run', '--outt', 'x'],
      "BAD_OPTION: unknown option '--outt' (did you mean --out?)\n  lingerlab kernels run --help lists the options, and what each takes",
    ],
    [
      ['kernels', 'lst'],
      "UNKNOWN_COMMAND: unknown command 'lst' (did you mean list?)\n  lingerlab kernels --help lists the commands",
    ],
    [['--nope'], "BAD_OPTION: unknown option '--nope'\n  lingerlab --help lists the commands"],
  ])('%j', async (words, text) => {
    expect(await cli(words)).toBe(2);
    expect(written.startsWith(`lingerlab: ${text}`), written).toBe(true);
    expect(written.endsWith('\n')).toBe(true);
  });
});

test('without a command the commands are listed, and the exit code is 2', async () => {
  expect(await cli([])).toBe(2);
  expect(written).toContain('compare [options] <runs...>');
});

test.each(['run', 'list', 'explain', 'report', 'show', 'compare', 'doctor', 'new', 'check', 'schema'])(
  'help of %s ends with 0 and has a line for each option and argument',
  async (command) => {
    expect(await cli(['help', command])).toBe(0);
    const lists = written
      .split('Examples:')[0]!
      .split('\n')
      .filter((line) => line.startsWith('  '));
    // a continued line is indented beyond the names
    expect(lists.filter((line) => /^ {6}/.test(line) && !/^ {6}-/.test(line))).toEqual([]);
    expect(written).toContain(`$ lingerlab ${command}`);
  },
);
