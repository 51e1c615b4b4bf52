import { expect, test } from 'vitest';
import { optionsIn } from '../../../src/commands/kernels/inside.ts';
import { codeOf, comparedTwice } from '../../../src/commands/kernels/run.ts';
import { exitCode } from '../../../src/errors.ts';
import { kind } from '../../../src/facts/kinds.ts';
import { declarations } from '../../../src/facts/table.ts';
import type { GuestEnd } from '../../../src/kernels/console.ts';
import { nothingSaid } from '../../../src/kernels/console.ts';
import type { Kernel } from '../../../src/kernels/kernel.ts';
import type { KernelOutcome } from '../../../src/kernels/run.ts';
import type { ReadRun } from '../../../src/record/read.ts';
import { cellOf, experimentOf, runOf, saved } from '../../report/fixture.ts';

const facts = saved({ ...declarations(), word: kind.word('a', 'b') });
/** What matters to who reads a folder again. */
const notRead = {} as Pick<ReadRun, 'live' | 'lines' | 'writtenAs' | 'packed'>;
const run = (folder: string, word: string): ReadRun => ({
  ...runOf([experimentOf({ id: 'x', facts })], [cellOf('x', { a: 1 }, { word })], {
    environment: { kernel: folder },
  }),
  folder,
  warnings: [],
  ...notRead,
});
const outcome = (folder: string, end: GuestEnd, booted = true): KernelOutcome => ({
  kernel: { release: folder } as Kernel,
  folder,
  hasRun: booted,
  ended: { end, said: { ...nothingSaid, booted }, cpuSeconds: 1, wallSeconds: 1 },
});
const ended = (code = 0): GuestEnd => ({ outcome: 'ended', code, seconds: 1 });
const none: { cells: readonly string[]; runs: ReadonlyMap<string, ReadRun> } = { cells: [], runs: new Map() };
const judged = (outcomes: readonly KernelOutcome[], runs: readonly ReadRun[], against?: ReadRun, again = none) =>
  codeOf(
    {
      outcomes,
      runs: new Map(runs.map((each) => [each.folder, each])),
      against,
      comparison: runs.length > 1 ? comparedTwice(runs, again) : undefined,
      again,
    },
    { failOn: 'behaviour' },
  );

test('a kernel that does not boot is untestable, for git bisect', () => {
  const lost = outcome('5.10.0', { outcome: 'panicked', panic: 'VFS' }, false);
  expect(judged([lost], [])).toBe(exitCode.untestable);
  expect(judged([lost], [], run('6.1.0', 'a'))).toBe(exitCode.untestable);
  expect(exitCode.untestable).toBe(125);
});

test('against a run, a kernel fails where it differs, and is untestable where it did not end', () => {
  const [kernel, good] = [run('6.12.0', 'b'), run('6.1.0', 'a')];
  expect(judged([outcome('6.12.0', ended())], [kernel], good)).toBe(exitCode.failed);
  expect(judged([outcome('6.12.0', ended())], [run('6.12.0', 'a')], good)).toBe(exitCode.ok);
  const lost = outcome('6.12.0', { outcome: 'lost', how: 'QEMU was ended' });
  expect(judged([lost], [kernel], good)).toBe(exitCode.untestable);
});

test('what flips when its cell runs again fails no kernel', () => {
  const again = { cells: ['x/a=1'], runs: new Map([['6.12.0', run('6.12.0', 'a')]]) };
  expect(judged([outcome('6.12.0', ended())], [run('6.12.0', 'b')], run('6.1.0', 'a'), again)).toBe(exitCode.ok);
  const same = { ...again, runs: new Map([['6.12.0', run('6.12.0', 'b')]]) };
  expect(judged([outcome('6.12.0', ended())], [run('6.12.0', 'b')], run('6.1.0', 'a'), same)).toBe(exitCode.failed);
});

test('cells run again under the options of the first time, and --quick does not choose among them', () => {
  const args = ['close-order', 'linger/*', '--quick', '--repeat', '3', '--where', 'by=end', '--sysctl=a=1', '-j', '2'];
  expect(optionsIn(args)).toEqual(['--repeat', '3', '--where', 'by=end', '--sysctl=a=1', '-j', '2']);
});
