import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { hz } from '../../src/native/process.ts';

test('HZ is one of the values that a kernel can be built with', () => {
  expect([100, 250, 300, 1000]).toContain(hz());
});

test.skipIf(!existsSync('/proc/config.gz'))('HZ is what this kernel was built with', () => {
  const built = /^CONFIG_HZ=(\d+)$/m.exec(gunzipSync(readFileSync('/proc/config.gz')).toString());
  expect(hz()).toBe(Number(built?.[1]));
});
