import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { hz, runFirst } from '../../src/native/process.ts';

test('HZ is one of the values that a kernel can be built with', () => {
  expect([100, 250, 300, 1000]).toContain(hz());
});

test('HZ is what this kernel was built with', ({ skip }) => {
  skip(!existsSync('/proc/config.gz'), 'this kernel does not tell its configuration: no /proc/config.gz');
  const built = /^CONFIG_HZ=(\d+)$/m.exec(gunzipSync(readFileSync('/proc/config.gz')).toString());
  expect(hz()).toBe(Number(built?.[1]));
});

/** Field 41 of /proc/<pid>/stat, proc_pid_stat(5): `policy`; its name may have spaces. */
const policy = (): number => Number(readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ')[38]);

test('what runs first is real-time, or is told that it may not be', () => {
  expect(policy()).toBe(0);
  try {
    runFirst();
  } catch (error) {
    expect(String(error)).toContain('EPERM');
    return;
  }
  expect(policy()).toBe(2);
});
