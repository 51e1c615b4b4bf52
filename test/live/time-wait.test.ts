import { join } from 'node:path';
import { expect, test } from 'vitest';
import { timerSlotSeconds } from '../../src/facts/timer-wheel.ts';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const minutes = 60_000;

live('TIME-WAIT after a late FIN', () => {
  test('FIN-WAIT-2 is a mini-socket until the server closes 1.5 s later, and TIME-WAIT counts from that FIN', {
    timeout: 2 * minutes,
  }, async () => {
    const folder = await scratch();
    const file = own('late-server');
    const out = join(folder, 'run');
    const { exitCode, stderr } = await lingerlab(['run', file, '--repeat', '3', '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    const { run, cells } = await readRun(out);
    expect(cells).toHaveLength(6);
    // one whose FIN is acknowledged while close(2) still holds its socket stays a full one until the server's FIN: a race
    const orphans = cells.filter(({ facts }) => (facts['client.miniSocket'] as string[]).includes('FIN-WAIT-2'));
    expect(new Set(orphans.map(({ factors }) => factors.family))).toEqual(new Set([4, 6]));
    const hz = run.sessions[0]!.environment.hz;
    for (const { facts, paths, warnings } of orphans) {
      expect(warnings).toEqual([]);
      expect(facts['client.path']).toEqual([
        'SYN-SENT',
        'ESTABLISHED',
        'FIN-WAIT-1',
        'FIN-WAIT-2',
        'TIME-WAIT',
        'CLOSED',
      ]);
      expect(facts['client.miniSocket']).toEqual(['FIN-WAIT-2', 'TIME-WAIT']);
      expect(facts['timeWait.holder']).toBe('client');
      expect(facts['timeWait.endedBy']).toBe('timer');

      // the scenario rested 1.5 s between the two closes; steps before and after it took far less than half a second
      const finWait2 = paths.client!.filter(({ state }) => state === 'FIN-WAIT-2');
      expect(finWait2.map(({ mini }) => mini)).toEqual([undefined, true]);
      const timeWait = paths.client!.find(({ state }) => state === 'TIME-WAIT')!;
      expect(timeWait.at - finWait2[1]!.at).toBeGreaterThanOrEqual(1.499e9);
      expect(timeWait.at - finWait2[1]!.at).toBeLessThan(2e9);

      // bracketed by the server's FIN and the acknowledgement that closed the server
      const lastAck = paths.server!.find(({ state }) => state === 'LAST-ACK')!;
      const closed = paths.server!.find(({ state }) => state === 'CLOSED')!;
      expect(timeWait).toMatchObject({ evidence: 'bracketed', mini: true, notBefore: lastAck.at, at: closed.at });

      // TCP_TIMEWAIT_LEN, and up to one slot of the timer wheel late
      const seconds = facts['timeWait.seconds'] as number;
      expect(seconds).toBeGreaterThanOrEqual(60);
      expect(seconds).toBeLessThanOrEqual(60 + timerSlotSeconds(60, hz) + 0.1);
    }
  });
});
