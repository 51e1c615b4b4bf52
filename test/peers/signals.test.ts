import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { isPending, tookEffect } from '../../src/peers/signals.ts';

const status = (pending: string) =>
  `Name:\tnode\nSigPnd:\t0000000000000000\nShdPnd:\t${pending}\nSigBlk:\t0000000000000800\n`;

test.each([
  ['SIGHUP', '0000000000000001', true],
  ['SIGUSR2', '0000000000000800', true],
  ['SIGALRM', '0000000000002000', true],
  ['SIGALRM', '0000000000000800', false],
  ['SIGUSR2', '0000000000000000', false],
] as const)('%s with ShdPnd %s waits for the process: %s', (signal, pending, waits) => {
  expect(isPending(status(pending), signal)).toBe(waits);
});

test('a status without the field has nothing pending', () => {
  expect(isPending('Name:\tnode\n', 'SIGUSR2')).toBe(false);
});

let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

/** Resolves when the signal has taken effect; the test's own time limit bounds it. */
async function send(to: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  to.kill(signal);
  while (!tookEffect(to.pid as number, signal)) await sleep(1);
}

test('a signal to a stopped process is pending until it goes on, and has taken effect then', async () => {
  child = spawn(process.execPath, [
    '-e',
    "process.on('SIGUSR2', () => {}); process.stdout.write('up'); setInterval(() => {}, 1e6)",
  ]);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  await send(child, 'SIGSTOP');
  child.kill('SIGUSR2');
  expect(tookEffect(child.pid as number, 'SIGUSR2')).toBe(false);
  await send(child, 'SIGCONT');
  while (!tookEffect(child.pid as number, 'SIGUSR2')) await sleep(1);
  expect(child.exitCode ?? child.signalCode).toBeNull();
});

test('a signal that ends the process has taken effect when it is gone', async () => {
  child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  await send(child, 'SIGTERM');
  if (child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGTERM');
});
