import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { guestIn } from '../../src/doctor/guest.ts';
import { lackingOptions } from '../../src/kernels/config.ts';
import { initScript, jobScript } from '../../src/kernels/init.ts';
import { qemuArguments } from '../../src/kernels/qemu.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-guest-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kernel = { image: '/kernels/vmlinuz' };

test('a guest in virtual time counts instructions, and has its root on NVMe', () => {
  const args = qemuArguments(kernel, '/disk,1.ext4', { accelerator: 'tcg', clock: 'virtual' });
  expect(args.join(' ')).toContain('-icount shift=0,sleep=off -rtc base=utc,clock=vm');
  expect(args).toContain('file=/disk,,1.ext4,format=raw,if=none,id=disk,cache=unsafe');
  expect(args).toContain('nvme,drive=disk,serial=lingerlab');
  expect(args).toContain('-no-reboot');
});

test('a guest in real time counts none', () => {
  const args = qemuArguments(kernel, '/disk', { accelerator: 'kvm', clock: 'real' });
  expect(args).not.toContain('-icount');
  expect(args.slice(args.indexOf('-cpu'))[1]).toBe('host');
});

test('a guest reads its accelerator and its clock from the command line that it was started with', () => {
  const args = qemuArguments(kernel, '/disk', { accelerator: 'tcg', clock: 'virtual' });
  expect(guestIn(args[args.indexOf('-append') + 1]!)).toEqual({ accelerator: 'tcg', clockRule: 'virtual' });
  expect(guestIn('root=/dev/vda1 ro quiet')).toBeUndefined();
});

test('a job hands every argument on as it is', () => {
  const tool = join(folder, 'lingerlab');
  writeFileSync(tool, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const args = ['run', "it's/a=1,b=*", '$HOME', '--where', 'x=a b'];
  const script = jobScript(args).replace(/^cd .*$/m, '');
  const said = execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { PATH: `${folder}:${process.env.PATH}` } });
  expect(said).toBe(`${args.join('\n')}\n`);
});

test('our init is a script that the shell can read', () => {
  expect(spawnSync('sh', ['-n'], { input: initScript, encoding: 'utf8' }).stderr).toBe('');
});

test('options that a kernel lacks are named: those it cannot boot without, and those that cells miss', () => {
  const config = [
    'BLK_DEV_NVME EXT4_FS PCI DEVTMPFS TMPFS SERIAL_8250_CONSOLE BINFMT_ELF BINFMT_SCRIPT NET_NS UNIX INET FTRACE IPV6',
    'INET_DIAG_DESTROY VETH INET_DIAG INET_TCP_DIAG',
  ]
    .join(' ')
    .split(' ')
    .map((name) => `CONFIG_${name}=y`);
  const text = [...config, 'CONFIG_TUN=m'].join('\n');
  expect(lackingOptions(text, true)).toEqual({ needed: [], better: [] });
  expect(lackingOptions(text, false).needed).toEqual(['CONFIG_TUN']);
  const without = text
    .replace('CONFIG_EXT4_FS=y', 'CONFIG_EXT4_FS=m')
    .replace('CONFIG_FTRACE=y', '# CONFIG_FTRACE is not set');
  expect(lackingOptions(without, true)).toEqual({ needed: ['CONFIG_EXT4_FS'], better: ['CONFIG_FTRACE'] });
});
