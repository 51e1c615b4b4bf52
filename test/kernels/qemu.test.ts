import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type Booting, bootGuest } from '../../src/kernels/qemu.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-qemu-'));
const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
});
afterAll(() => rmSync(folder, { recursive: true }));

let number = 0;
/** Puts a script in QEMU's place on the PATH. Returns what to boot with. */
function machine(script: string): Booting {
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, 'qemu-system-x86_64'), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${bin}:${path}`;
  return {
    kernel: { image: '/kernels/vmlinuz' },
    disk: join(folder, 'disk'),
    pace: { accelerator: 'tcg', clock: 'virtual' },
    console: join(folder, `console-${number++}.log`),
    limits: { bootCpuSeconds: 60, cpuSeconds: 60, idleSeconds: 60 },
  };
}

const boots = "printf 'lingerlab-guest: booted 1.90\\r\\n'";
const busy = 'while :; do :; done';

test('a guest that ends in order is read to its end, and its console is kept', async () => {
  const booting = machine(`${boots}; printf '[ 2.0] something\\nlingerlab-guest: ended 0 61.25\\n'`);
  const ended = await bootGuest(booting);
  expect(ended.end).toEqual({ outcome: 'ended', code: 0, seconds: 61.25 });
  expect(ended.said.bootSeconds).toBe(1.9);
  expect(readFileSync(booting.console, 'utf8')).toContain('[ 2.0] something');
});

test('a guest that panics, and one that QEMU loses, are told apart', async () => {
  const panicked = await bootGuest(machine("echo '[ 1.0] Kernel panic - not syncing: no root'"));
  expect(panicked.end).toEqual({ outcome: 'panicked', panic: 'no root' });
  const lost = await bootGuest(machine(`${boots}; echo 'qemu: cannot go on' >&2; kill -SEGV $$`));
  expect(lost.end).toEqual({ outcome: 'lost', how: 'QEMU was ended by SIGSEGV' });
  expect(lost.said.booted).toBe(true);
});

test('a guest may use so much CPU, and no more: less of it before it has booted', async () => {
  const limits = { bootCpuSeconds: 0.3, cpuSeconds: 0.6, idleSeconds: 60 };
  const hangs = await bootGuest({ ...machine(busy), limits });
  expect(hangs.end).toEqual({ outcome: 'out-of-time', limit: '0.3 s of CPU to boot' });
  const slow = await bootGuest({ ...machine(`${boots}; ${busy}`), limits });
  expect(slow.end).toEqual({ outcome: 'out-of-time', limit: '0.6 s of CPU' });
  expect(slow.cpuSeconds).toBeGreaterThan(0.6);
});

test('a guest that waits for what does not come is ended', async () => {
  const booting = machine(`${boots}; exec sleep 100`);
  const ended = await bootGuest({ ...booting, limits: { ...booting.limits, idleSeconds: 1 } });
  expect(ended.end).toEqual({ outcome: 'out-of-time', limit: '1 s without CPU' });
});

test('an interruption ends the guest', async () => {
  const stop = new AbortController();
  const ended = await bootGuest({
    ...machine(`${boots}; exec sleep 100`),
    signal: stop.signal,
    said: ({ booted }) => booted && stop.abort(),
  });
  expect(ended.end).toEqual({ outcome: 'interrupted' });
});

test('without QEMU, the package that has it is named', async () => {
  const booting = machine('exit 0');
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, 'setpriv'), '#!/bin/bash\nexit 127\n', { mode: 0o755 });
  process.env.PATH = `${bin}:${path}`;
  await expect(bootGuest(booting)).rejects.toMatchObject({
    code: 'NO_TOOL',
    remedy: 'install qemu-system-x86: apt-get install qemu-system-x86',
  });
});

test('QEMU ends with the program, even if that is killed', async () => {
  const pidFile = join(folder, 'pid');
  const booting = machine(`${boots}; echo $$ > ${pidFile}; exec sleep 100`);
  const module = fileURLToPath(new URL('../../src/kernels/qemu.ts', import.meta.url));
  const code = `const { bootGuest } = await import(${JSON.stringify(module)}); await bootGuest(${JSON.stringify(booting)});`;
  const program = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
  const until = async (condition: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + 15_000; !condition(); ) {
      if (Date.now() > deadline) throw new Error('it did not come to pass');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const isWritten = (): boolean => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n');
  await until(isWritten);
  const pid = readFileSync(pidFile, 'utf8').trim();
  program.kill('SIGKILL');
  await until(() => !existsSync(`/proc/${pid}`));
});
