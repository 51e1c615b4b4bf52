import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtins } from '../../src/catalogue/registry.ts';
import { timerSlotSeconds } from '../../src/facts/timer-wheel.ts';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const minutes = 60_000;

// a load has tests of its own: load.test.ts; what claims and answers make of facts is in test/catalogue/claims.test.ts
const ids = (await builtins()).filter(({ group }) => group.title !== 'Load').map(({ definition }) => definition.id);
/** Of each experiment so many of its quick cells, from the first to the last: the kept run has all of them. */
const mostOfEach = 3;

interface Planned {
  readonly id: string;
  readonly experiment: string;
  readonly needs: readonly string[];
}

/** Those cells; none that needs a kernel of its own, which is in a virtual machine only. */
async function fewOfEach(): Promise<readonly Planned[]> {
  const { stdout } = await lingerlab(['run', ...ids, '--quick', '--dry-run', '--json']);
  const { cells } = JSON.parse(stdout) as { readonly cells: readonly Planned[] };
  const here = cells.filter(({ needs }) => !needs.includes('own-kernel'));
  return [...Map.groupBy(here, ({ experiment }) => experiment).values()].flatMap((own) => {
    const steps = Math.min(mostOfEach, own.length) - 1;
    const places = Array.from({ length: steps + 1 }, (_, nth) =>
      Math.round((nth * (own.length - 1)) / Math.max(1, steps)),
    );
    return own.filter((_, at) => places.includes(at));
  });
}

/** What a run in a folder of its own found. */
async function played(...args: readonly string[]): Promise<ReadRun> {
  const out = join(await scratch(), 'run');
  const { exitCode, stderr } = await lingerlab(['run', ...args, '--out', out]);
  expect(stderr).not.toContain('INTERNAL');
  expect(exitCode).toBe(0);
  return readRun(out);
}

live('what takes a minute, since TIME-WAIT does', () => {
  let run: ReadRun;
  let late: ReadRun;
  let few: readonly Planned[];

  // side by side: the second does nothing but wait
  beforeAll(async () => {
    few = await fewOfEach();
    [run, late] = await Promise.all([
      played(...few.map(({ id }) => id), '--quick'),
      played(own('late-server'), '--repeat', '3'),
    ]);
  }, 4 * minutes);

  describe('every experiment, a few cells of each', () => {
    test('runs every cell', () => {
      // a sysctl that this kernel does not have is the machine's matter; each experiment has other cells
      const failed = run.cells.filter(({ status, reason }) => status !== 'ran' && reason?.code !== 'NO_SYSCTL');
      expect(failed.map((cell) => `${cell.id} #${cell.repeat}: ${reasonText(cell)}`)).toEqual([]);
      expect(new Set(run.cells.map(({ id }) => id))).toEqual(new Set(run.run.plan));
      const ran = run.cells.filter(({ status }) => status === 'ran');
      expect(new Set(ran.map(({ experiment }) => experiment))).toEqual(
        new Set(few.map(({ experiment }) => experiment)),
      );
      // all but the one whose cells need a kernel of its own
      expect(ids.filter((id) => few.every(({ experiment }) => experiment !== id))).toEqual(['too-many-orphans']);
    });

    test('is sound: no event lost, every chain whole and counted, no observer contradicted', {
      timeout: 2 * minutes,
    }, async () => {
      const warningsOf = ({ cells }: ReadRun) =>
        cells.flatMap(({ id, warnings }) => warnings.map((warning) => ({ id, ...warning })));
      // a machine that takes the CPU from the wire for 0.1 s: as the remedy says, these cells run again, alone
      const found = warningsOf(run);
      const behind = found.filter(({ code }) => code === 'wire-fell-behind');
      const again = behind.length > 0 ? await played(...behind.map(({ id }) => id), '--jobs', '1') : undefined;
      const warnings = [
        // what this kernel refuses is the machine's matter
        ...run.run.warnings.filter(({ code }) => code !== 'sysctl-refused'),
        ...found.filter((warning) => !behind.includes(warning)),
        ...(again ? warningsOf(again) : []),
      ];
      expect(warnings).toEqual([]);
    });
  });

  test('TIME-WAIT counts from the late FIN of a server that closes 1.5 s later; until then FIN-WAIT-2 is a mini-socket', () => {
    const { run, cells } = late;
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
