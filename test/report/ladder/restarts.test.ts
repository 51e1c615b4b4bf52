import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { ladderOf } from '../../../src/report/ladder/ladder.ts';
import { ladderSvg } from '../../../src/report/ladder/svg.ts';
import { cellOf, path } from '../fixture.ts';
import { lostLastAck, wire } from '../wire-fixture.ts';

const restartsIn = (record: CellRecord): number[] =>
  ladderOf(record).rows.flatMap((row) => (row.kind === 'aside' && row.says === 'restarts' ? [row.at / 1e6] : []));

/** In TIME-WAIT since the first FIN, CLOSED at 3000 ms. */
const waitingWith = (...more: string[]): CellRecord =>
  cellOf(
    'x',
    {},
    {},
    {
      segments: wire(['client F. 1:1 @1-1.1', 'server F. 1:2 @2-2.1', 'client . 2:2 @2.3 lost', ...more]),
      paths: { client: path('FIN-WAIT-1 0.9', 'FIN-WAIT-2 1.5', 'TIME-WAIT 2.2', 'CLOSED 3000') },
    },
  );

describe('the minute of TIME-WAIT begins again', () => {
  test('where the FIN comes again, by whomever it was sent, before anything follows it', () => {
    expect(restartsIn(waitingWith('server F. 1:2 @200-201 ', 'server F. 1:2 @900-901 replay of=2'))).toEqual([
      201, 901,
    ]);
    const rows = ladderOf(lostLastAck()).rows.map((row) => (row.kind === 'aside' ? row.says : row.kind));
    expect(rows.slice(rows.indexOf('restarts') - 1, rows.indexOf('restarts') + 2)).toEqual([
      'segment',
      'restarts',
      'segment',
    ]);
  });

  test('not with the first FIN, one that is lost, has another number, or comes when it is over', () => {
    const others = ['server F. 1:2 @200 lost', 'server F. 9:2 @300-301 forged', 'server F. 1:2 @4000-4001'];
    expect(restartsIn(waitingWith(...others))).toEqual([]);
  });

  test('of many, the first and the last are told', () => {
    const many = Array.from({ length: 6 }, (_, n) => `server F. 1:2 @${200 + n * 200}-${201 + n * 200}`);
    expect(restartsIn(waitingWith(...many))).toEqual([201, 1201]);
  });

  test('with a notch, and the reason in the legend', () => {
    expect(ladderSvg(lostLastAck())).toMatch(/notch".*>60 s again<.*RFC 9293 §3\.10\.7\.4/s);
    expect(ladderSvg(waitingWith())).not.toMatch(/notch|60 s again/);
  });
});
