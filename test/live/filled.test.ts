import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readEvents, readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('a kernel that is filled, and a connection that is closed in turn', () => {
  let out: string;
  let run: ReadRun;
  const cellOf = (fills: string, closer = 'client') =>
    run.cells.find(({ factors }) => factors.fills === fills && factors.closer === closer)!;
  beforeAll(async () => {
    out = join(await scratch(), 'run');
    await lingerlab(['run', own('filled'), '--out', out]);
    run = await readRun(out);
  }, 60_000);

  test.each([
    ['until-full', 'client'],
    ['so-many', 'client'],
    ['so-many', 'server'],
  ])('%s, by the %s: what one end wrote lies unread at the other, or unsent', (fills, closer) => {
    const { reason, facts, warnings } = cellOf(fills, closer);
    expect([reason, warnings]).toEqual([undefined, []]);
    const [written, unread, unsent] = [facts.written, facts.unread, facts.unsent] as number[];
    expect(unread).toBeGreaterThan(0);
    expect(unsent).toBeGreaterThan(0);
    expect(unread! + unsent!).toBe(written);
    // nothing is on its way
    expect([facts.again, facts.sendQueue]).toEqual([unread, unsent]);
    if (fills === 'so-many') expect(written).toBe(300_000);
    expect(facts[`${closer}.delivered`]).toBe(written);
    expect(facts.heard).toBe('fullfull');
  });

  test.each(['client', 'server'])('the %s, which closed first, keeps TIME-WAIT, and both are gone', (closer) => {
    const { facts } = cellOf('so-many', closer);
    expect(facts).toMatchObject({ 'timeWait.holder': closer, afterwards: 'EBADF' });
    expect([facts['client.closedWith'], facts['server.closedWith']]).toEqual([['FIN'], ['FIN']]);
  });

  test('the record has the calls that filled it', async () => {
    const { id, repeat, facts } = cellOf('until-full');
    const events = (await readEvents(out, id, repeat))!;
    const calls = events.flatMap((event) => (event.kind === 'call' ? [event] : []));
    expect(calls.filter(({ verb, peer }) => verb === 'stopReading' && peer === 'server')).toHaveLength(1);
    const written = calls.flatMap((call) => (call.verb === 'write' && call.peer === 'client' ? [call] : []));
    expect(written.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(facts.written);
    expect(new Set(written.map(({ fill }) => fill))).toEqual(new Set(['full']));
  });

  test('a number of bytes that the other kernel takes whole is an error that says so', () => {
    expect(reasonText(cellOf('too-few'))).toMatch(/fill\(\): bytes: the other kernel accepted all 1000 bytes/);
  });

  test('an end is not filled by itself', () => {
    expect(reasonText(cellOf('itself'))).toMatch(/fill\(\): the argument must be the other end of this connection/);
  });
});
