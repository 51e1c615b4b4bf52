import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('connections that are opened', () => {
  let run: ReadRun;
  const factsOf = (to: string) => {
    const cell = run.cells.find(({ factors }) => factors.to === to);
    expect(cell?.reason).toBeUndefined();
    expect(cell?.warnings).toEqual([]);
    return cell?.facts ?? {};
  };
  beforeAll(async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const { stderr, exitCode } = await lingerlab(['run', own('open'), '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    run = await readRun(out);
  }, 60_000);

  test('to a listener have the facts of both ends', () => {
    const facts = factsOf('listener');
    expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED']);
    expect(facts['server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(facts['client.delivered']).toBe(10);
  });

  test.each(['bound', 'nobody', 'veth'])('are refused where there is no listener: %s', (to) => {
    expect(factsOf(to)).toMatchObject({
      answer: 'ECONNREFUSED',
      reached: 'SYN-SENT',
      'client.path': ['SYN-SENT', 'CLOSED'],
      'client.errors': [{ call: 'connect', errno: 'ECONNREFUSED' }],
    });
  });

  test('to a queue have an end that no process has', () => {
    expect(factsOf('queue')).toMatchObject({ answer: 'ok', 'server.path': ['SYN-RECEIVED', 'ESTABLISHED'] });
  });

  test('to itself are one socket', () => {
    const facts = factsOf('itself');
    expect(facts['client.path']).toEqual([
      'SYN-SENT',
      'SYN-RECEIVED',
      'ESTABLISHED',
      'FIN-WAIT-1',
      'CLOSING',
      'TIME-WAIT',
    ]);
    expect(facts).toMatchObject({ 'client.delivered': 10, 'client.lost': 0, 'timeWait.holder': 'client' });
    expect('server.path' in facts).toBe(false);
  });

  test('from numbers that another connection has are refused by their own kernel', () => {
    expect(factsOf('taken').answer).toBe('EADDRNOTAVAIL');
  });
});
