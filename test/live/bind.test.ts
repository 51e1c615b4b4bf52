import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const minutes = 60_000;

live('an address and a port that a scenario asks for', () => {
  let out: string;
  const cellsOf = async (experiment: string) =>
    (await readRun(out)).cells.filter((cell) => cell.experiment === experiment);

  beforeAll(async () => {
    out = join(await scratch(), 'run');
    const files = ['listening-places', 'any-port', 'taken-address'].map(own);
    const { exitCode, stderr, stdout } = await lingerlab(['run', ...files, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode, stdout).toBe(0);
    expect((await readRun(out)).cells.flatMap(({ warnings }) => warnings)).toEqual([]);
  }, 2 * minutes);

  test('is reached wherever it listens, on another address of the same end, too', async () => {
    const cells = await cellsOf('places');
    expect(cells).toHaveLength(24);
    for (const { factors, facts } of cells) {
      expect(facts.port).toBe(0);
      expect(facts.result).toBe('ok');
      if (factors.at === 'wildcard') expect(facts.address).toBe(factors.family === 4 ? '0.0.0.0' : '::');
    }
  });

  test('is observed whatever port it is, though cells have it at the same time: each path from SYN-SENT to its end', async () => {
    const cells = await cellsOf('any-port');
    expect(cells.length).toBeGreaterThan(15);
    const first = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'];
    const second = ['ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'];
    for (const { id, facts } of cells) {
      expect(facts, id).toMatchObject({
        'first.timeWait.holder': 'client',
        'first.client.path': ['SYN-SENT', ...first],
        'first.server.path': ['SYN-RECEIVED', ...second],
        'same.timeWait.holder': 'server',
        'same.client.path': ['SYN-SENT', ...second],
        'same.server.path': ['SYN-RECEIVED', ...first],
        from: 'own',
      });
    }
  });

  test("of a client is taken at the peer's own address and at all, and free at another one", async () => {
    const cells = await cellsOf('taken-address');
    expect(cells).toHaveLength(6);
    for (const { id, facts } of cells)
      expect(facts, id).toMatchObject({ from: 'own', own: 'EADDRINUSE', wildcard: 'EADDRINUSE', other: 'ok' });
  });
});
