import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('facts of what no end sent', () => {
  let cells: readonly CellRecord[];
  let out: string;
  beforeAll(async () => {
    out = join(await scratch(), 'run');
    const { exitCode, stdout } = await lingerlab(['run', own('forged'), own('challenged'), '--out', out]);
    // one cell fails as planned
    expect(exitCode, stdout).toBe(1);
    ({ cells } = await readRun(out));
  }, 60_000);
  const cellOf = (factors: Record<string, string>): CellRecord => {
    const found = cells.find((cell) => Object.entries(factors).every(([name, value]) => cell.factors[name] === value));
    if (!found) throw new Error(`no cell of ${JSON.stringify(factors)}`);
    return found;
  };

  test('no facts exclude each other, and no observers', () => {
    const contradictions = ['facts-contradict', 'observers-disagree'];
    const found = cells.flatMap(({ id, warnings }) =>
      warnings.filter(({ code }) => contradictions.includes(code)).map(({ text }) => `${id}: ${text}`),
    );
    expect(found).toEqual([]);
  });

  test('a forged FIN begins TIME-WAIT of a full socket, and a forged RST ends it', () => {
    const { facts } = cellOf({ made: 'fin-then-rst' });
    expect(facts).toMatchObject({ 'timeWait.holder': 'server', 'timeWait.endedBy': 'rst' });
    expect((facts['server.path'] as string[]).slice(-3)).toEqual(['FIN-WAIT-2', 'TIME-WAIT', 'CLOSED']);
  });

  test('a forged SYN that TIME-WAIT answers opens a new incarnation', () => {
    const request = cellOf({ made: 'syn' });
    expect(request.facts).toMatchObject({
      seen: 'SYN-RECEIVED',
      'timeWait.endedBy': 'recycled',
    });
    // its FIN may come again before it is answered; the SYN ACK of the new incarnation is not the old one's
    const fins = request.segments!.filter(
      ({ from, label, flags }) => from === 'server' && label === '' && flags.includes('FIN'),
    );
    expect(request.facts['server.resentAt']).toHaveLength(fins.length - 1);
    expect(request.facts['forged.server.path']).toEqual(['SYN-RECEIVED']);
    const accepted = cellOf({ made: 'syn-and-ack' });
    expect(accepted.facts['forged.server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(accepted.incarnations?.map(({ label }) => label)).toEqual(['', 'forged']);
  });

  test('forged bytes are not those of the end that they came in the name of', () => {
    expect(cellOf({ made: 'bytes' }).facts).toMatchObject({
      heard: 'evilEFGHIJ',
      'client.written': 10,
      'client.delivered': 6,
      'client.foreign': 4,
      'client.lost': 4,
      'client.lostIn': ['network'],
    });
  });

  test('of very many packets nothing is claimed that the record may lack', () => {
    const { facts, unknown } = cellOf({ made: 'many' });
    expect(facts['timeWait.holder']).toBe('server');
    expect(unknown).toMatchObject({ 'client.resentAt': { code: 'not-recorded' } });
    for (const name of ['client.gaveUpAfter', 'server.gaveUpAfter']) expect(facts[name] ?? null).toBeNull();
  });

  describe.each(['wire', 'veth'])('on %s', (on) => {
    test('TIME-WAIT of a server that is gone ends by the RST that answers its challenge', () => {
      const { facts } = cellOf({ on, listener: 'closed' });
      expect(facts).toMatchObject({ second: 'ECONNREFUSED', 'old.timeWait.endedBy': 'rst' });
      expect((facts['old.server.path'] as string[]).at(-1)).toBe('CLOSED');
    });

    test('TIME-WAIT of a server that listens gives way to the SYN', () => {
      expect(cellOf({ on, listener: 'open' }).facts).toMatchObject({
        second: 'ok',
        'old.timeWait.endedBy': 'recycled',
      });
    });
  });

  test('a cell that errored has the ladder of what its wire carried until then', async () => {
    const broken = cellOf({ made: 'nothing' });
    expect(broken).toMatchObject({ status: 'errored', facts: {} });
    expect(broken.paths.client?.at(0)?.state).toBe('SYN-SENT');
    const { stdout } = await lingerlab(['report', out, '--ladder', broken.id]);
    expect(stdout).toMatch(/SYN-SENT[\s\S]*FIN-WAIT-1/);
  });
});
