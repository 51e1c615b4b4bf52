import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('processes that play the peers', () => {
  const cells = 'close-order/closes=client,by=*,data=idle,family=4,node=default';
  const once = async (...args: string[]) => {
    const out = join(await scratch(), 'run');
    const { exitCode, stderr } = await lingerlab(['run', ...args, '--jobs', '1', '--out', out]);
    expect(exitCode, stderr).toBe(0);
    return readRun(out);
  };
  const playedBy = ({ run }: Awaited<ReturnType<typeof once>>) => run.sessions[0]?.cpu?.processes;

  test('go from cell to cell, where the facts are those of new ones', async () => {
    const [again, fresh] = [await once(cells), await once(cells, '--fresh-peers')];
    const parts = again.cells.length * 2;
    expect(parts).toBeGreaterThan(4);
    // cells that wait let others begin
    const wires = { started: 0, parts: 0, leftOver: {} };
    expect(playedBy(again)).toEqual({ started: expect.any(Number), parts, leftOver: {}, wires });
    expect(playedBy(again)?.started).toBeLessThan(parts);
    expect(playedBy(fresh)).toEqual({ started: parts, parts, leftOver: {}, wires });
    const outcomes = ({ cells }: typeof again) =>
      cells.map(({ id, facts }) => [
        id,
        facts['timeWait.holder'],
        facts['client.closedWith'],
        facts['client.delivered'],
      ]);
    expect(outcomes(again)).toEqual(outcomes(fresh));
  });

  test('end with a cell that they do not leave clean, and are counted', async () => {
    const run = await once(own('leaves-over'));
    // the client of `stopped` and that of `survives`; what is only open is closed, and one that goes on is as before
    expect(playedBy(run)).toEqual({
      started: expect.any(Number),
      parts: 10,
      leftOver: { 'a stop': 1, '1 listeners for SIGUSR2': 1 },
      wires: { started: 0, parts: 0, leftOver: {} },
    });
  });

  test('carry one wire after the other, where the facts are those of new ones', async () => {
    const wired = 'resets-at-each-state/place=at,*';
    const [again, fresh] = [await once(wired), await once(wired, '--fresh-peers')];
    const parts = again.cells.length;
    expect(parts).toBeGreaterThan(4);
    expect(playedBy(again)?.wires).toEqual({ started: expect.any(Number), parts, leftOver: {} });
    expect(playedBy(again)?.wires?.started).toBeLessThan(parts);
    expect(playedBy(fresh)?.wires).toEqual({ started: parts, parts, leftOver: {} });
    const outcomes = ({ cells }: typeof again) =>
      cells.map(({ id, facts }) => [id, facts.answer, facts.after, facts.error, facts['server.path']]);
    expect(outcomes(again)).toEqual(outcomes(fresh));
  });
});
