import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('a router between the ends', () => {
  let run: ReadRun;
  const factsOf = (by: string, family: number) => {
    const cell = run.cells.find(({ factors }) => factors.by === by && factors.family === family);
    expect(cell?.reason).toBeUndefined();
    expect(cell?.warnings).toEqual([]);
    return cell?.facts ?? {};
  };
  beforeAll(async () => {
    const out = join(await scratch(), 'run');
    const { stderr, exitCode } = await lingerlab(['run', own('routed'), '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    run = await readRun(out);
  }, 120_000);

  test.each([4, 6])('carries a connection, with the facts of both ends: IPv%i', (family) => {
    expect(factsOf('routing', family)).toMatchObject({
      'through.client.path': ['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
      'through.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      'through.timeWait.holder': 'client',
      'through.client.delivered': 100_000,
      answer: 'ok',
      mtu: 1300,
    });
  });

  test.each([4, 6])('has a proxy, which is an end of two connections: IPv%i', (family) => {
    expect(factsOf('proxy', family)).toMatchObject({
      'through.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      'through.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
      'onward.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      'onward.timeWait.holder': 'server',
      'counters.router.Tcp.ActiveOpens': 1,
      'counters.router.Tcp.PassiveOpens': 1,
      answer: 'ok',
    });
  });

  test('stays when an end is abandoned', () => {
    expect(factsOf('abandoned', 4).answer).toBe('ok');
  });
});
