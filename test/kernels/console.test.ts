import { describe, expect, test } from 'vitest';
import { endOf, heard, nothingSaid, type Said } from '../../src/kernels/console.ts';
import { progressText } from '../../src/kernels/run.ts';

const hearing = (...lines: string[]): Said => lines.reduce(heard, nothingSaid);

describe('what a guest says on its console', () => {
  test('our init says when the kernel has booted, and how the job ended, by the guest’s clock', () => {
    const said = hearing(
      'lingerlab-guest: booted 2.24\r',
      'lingerlab-guest: begins\r',
      'lingerlab-guest: ended 1 118.02\r',
    );
    expect(said).toEqual({ booted: true, bootSeconds: 2.24, lacks: [], ended: { code: 1, seconds: 118.02 } });
  });

  test('a message of the kernel in the same line hides nothing', () => {
    const said = hearing('[    2.1] nvme nvme0: 1/0/0 lingerlab-guest: booted 2.24');
    expect(said.booted).toBe(true);
  });

  test('what the guest lacks is collected', () => {
    expect(hearing('lingerlab-guest: lacks tc', 'lingerlab-guest: lacks /dev/net/tun').lacks).toEqual([
      'tc',
      '/dev/net/tun',
    ]);
  });

  test('the last number of results is kept; what the run prints for people is not read', () => {
    const said = hearing(
      'lingerlab-guest: results 12',
      'lingerlab-guest: results 40',
      '60 of 161 results (37 %), 4 at work, about 2 min left',
    );
    expect(said).toEqual({ booted: false, lacks: [], results: 40 });
  });
});

describe('how a guest came to its end', () => {
  const booted = hearing('lingerlab-guest: booted 2.24');
  const panic = '[    1.3] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)';

  test('a panic is a panic, even if QEMU ended in order', () => {
    expect(
      endOf(hearing(panic, '[    1.4] Kernel panic - not syncing: second'), undefined, 'QEMU ended with exit code 0'),
    ).toEqual({
      outcome: 'panicked',
      panic: 'VFS: Unable to mount root fs on unknown-block(0,0)',
    });
  });

  test('QEMU that ends without a word of the guest has lost it', () => {
    expect(endOf(booted, undefined, 'QEMU was ended by SIGSEGV')).toEqual({
      outcome: 'lost',
      how: 'QEMU was ended by SIGSEGV',
    });
  });

  test('a job that ended has ended, even if QEMU was then killed', () => {
    const said = heard(booted, 'lingerlab-guest: ended 0 60.5');
    expect(endOf(said, { limit: '5 s of CPU' }, 'QEMU was ended by SIGKILL')).toEqual({
      outcome: 'ended',
      code: 0,
      seconds: 60.5,
    });
  });

  test('a limit, an interruption and a lack are told apart', () => {
    expect(endOf(booted, { limit: '5 s of CPU' }, '')).toEqual({ outcome: 'out-of-time', limit: '5 s of CPU' });
    expect(endOf(booted, 'interrupted', '')).toEqual({ outcome: 'interrupted' });
    expect(endOf(heard(booted, 'lingerlab-guest: lacks ss'), undefined, '')).toEqual({
      outcome: 'unfit',
      lacks: ['ss'],
    });
  });
});

test('progress has the time left, by the time that the results took', () => {
  expect(progressText(40, 160, 100)).toBe('40 of 160 results (25 %), about 5 min left');
  expect(progressText(1, 2, 12.2)).toBe('1 of 2 results (50 %), about 13 s left');
  expect(progressText(2, 2, 12.2)).toBe('2 of 2 results (100 %)');
});
