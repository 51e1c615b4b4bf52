import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type End, reap, spawnProcess } from '../../src/native/spawn.ts';

/** Start a shell with nothing but /dev/null. */
function shell(script: string, session = false): number {
  const nowhere = openSync('/dev/null', 'r+');
  try {
    const descriptors = [nowhere, nowhere, nowhere];
    return spawnProcess({ program: 'sh', args: ['-c', script], env: process.env, descriptors, session });
  } finally {
    closeSync(nowhere);
  }
}
async function endOf(pid: number): Promise<End> {
  for (;;) {
    const end = reap(pid);
    if (end) return end;
    await sleep(1);
  }
}
/** In a set of signals, proc_pid_status(5). */
const sigpipe = 1n << BigInt(constants.signals.SIGPIPE - 1);
/** Session and signals of a process that sleeps, from /proc. */
function seen(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { session: Number(stat[3]), ignored: BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(status)?.[1]}`) };
}

describe('a process started without a copy of this one', () => {
  test('tells its exit code', async () => {
    expect(await endOf(shell('exit 7'))).toEqual({ code: 7 });
  });

  test('tells the signal that ended it', async () => {
    const pid = shell('sleep 60');
    expect(reap(pid)).toBeUndefined();
    process.kill(pid, 'SIGTERM');
    expect(await endOf(pid)).toEqual({ signal: 'SIGTERM' });
  });

  test('is in a session of its own only where that is asked for', async () => {
    const pids = [shell('sleep 60', true), shell('sleep 60')] as const;
    const own = seen(process.pid).session;
    expect(seen(pids[0]).session).toBe(pids[0]);
    expect(seen(pids[1]).session).toBe(own);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all(pids.map(endOf));
  });

  test('ignores no signal though Node ignores SIGPIPE', async () => {
    expect(seen(process.pid).ignored & sigpipe).toBe(sigpipe);
    const pid = shell('sleep 60');
    expect(seen(pid).ignored & sigpipe).toBe(0n);
    process.kill(pid, 'SIGKILL');
    await endOf(pid);
  });

  test('gets the environment it is given, without what is undefined, and none of our descriptors but those', async () => {
    const nowhere = openSync('/dev/null', 'r+');
    const given = { PATH: process.env.PATH, GIVEN: 'yes', NOT: undefined };
    const script = `[ "$GIVEN" = yes ] && [ -z "\${NOT+set}" ] && [ -e /proc/$$/fd/3 ] && [ ! -e /proc/$$/fd/${nowhere} ]`;
    const descriptors = [nowhere, nowhere, nowhere, nowhere];
    const pid = spawnProcess({ program: 'sh', args: ['-c', script], env: given, descriptors, session: false });
    closeSync(nowhere);
    expect(await endOf(pid)).toEqual({ code: 0 });
  });

  test('that cannot be started is an error with its name', () => {
    const start = () =>
      spawnProcess({ program: 'no-such-program', args: [], env: {}, descriptors: [9], session: false });
    expect(start).toThrow(expect.objectContaining({ name: 'SystemCallError', errno: 'ENOENT' }));
  });

  test('is not started where one descriptor would overwrite another', () => {
    const start = () => spawnProcess({ program: 'true', args: [], env: {}, descriptors: [1, 0], session: false });
    expect(start).toThrow(RangeError);
  });
});
