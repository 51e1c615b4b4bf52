import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readEvents, readRun } from '../../src/record/read.ts';
import { bin } from './bin.ts';
import { descendants, eventually } from './processes.ts';
import { live, own, scratch } from './program.ts';

const stoppedMs = 1000;
const isPeer = ({ command }: { command: string }) => /peers[/-]main/.test(command);
const isWire = ({ command }: { command: string }) => /wire[/-]main/.test(command);
/** Whether a socket is ESTABLISHED, 01, in the process's namespace. */
const isConnected = ({ pid }: { pid: number }) => / 01 [0-9A-F]{8}:/.test(readFileSync(`/proc/${pid}/net/tcp`, 'utf8'));

live('peers and a wire that are stopped for a second', () => {
  test('are recorded as late, refute nothing, and are named in the report', async () => {
    const out = join(await scratch(), 'run');
    const run = execa(process.execPath, [bin, 'run', own('stopped'), '--jobs', '2', '--out', out], {
      reject: false,
      stdin: 'ignore',
    });
    const pid = run.pid as number;
    const peers = () => descendants(pid).filter(isPeer);
    // from here on each scenario sends for 4 s
    await eventually('both cells have their connection', () => peers().filter(isConnected).length === 4);
    const stopped = descendants(pid).filter((each) => isPeer(each) || isWire(each));
    expect(stopped.length).toBe(5);
    for (const each of stopped) process.kill(each.pid, 'SIGSTOP');
    await sleep(stoppedMs);
    for (const each of stopped) process.kill(each.pid, 'SIGCONT');
    const { exitCode, stdout } = await run;
    const { cells } = await readRun(out);
    expect([exitCode, cells.map(({ status }) => status)]).toEqual([0, ['ran', 'ran']]);
    for (const { id, repeat, factors, late, claims } of cells) {
      expect(late?.peersMs.client).toBeGreaterThanOrEqual(0.9 * stoppedMs);
      expect(late?.peersMs.server).toBeGreaterThanOrEqual(0.9 * stoppedMs);
      if (factors.on === 'wire') expect(late?.wireMs).toBeGreaterThanOrEqual(0.9 * stoppedMs);
      else expect(late).not.toHaveProperty('wireMs');
      const events = (await readEvents(out, id, repeat)) ?? [];
      const told = events.filter(({ kind }) => kind === 'late');
      expect(told).toContainEqual(expect.objectContaining({ peer: 'client' }));
      expect(claims).toContainEqual({
        id: 'no-stall',
        verdict: 'inconclusive',
        detail: expect.objectContaining({ on: 'late', by: 'behaviour' }),
      });
      expect(claims.filter(({ verdict }) => verdict === 'refuted')).toEqual([]);
    }
    expect(stdout).toMatch(/^delayed: 2 of 2 results were delayed; in the worst case /m);
    expect(stdout).toContain('Claims: ✗ 0 refuted');
  });
});
