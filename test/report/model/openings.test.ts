import { expect, test } from 'vitest';
import { commonOpening } from '../../../src/report/model/fact-table.ts';

const [sent, open, first, second] = ['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'];

test('the states of the handshake with which all paths begin, however much more they share', () => {
  expect(
    commonOpening([
      [sent, open, first, second],
      [sent, open, first],
    ]),
  ).toEqual([sent, open]);
  expect(
    commonOpening([
      [sent, open, first],
      [sent, first],
    ]),
  ).toEqual([sent]);
});

test('a path is never its opening alone', () => {
  expect(
    commonOpening([
      [sent, open],
      [sent, open, first],
    ]),
  ).toEqual([sent]);
  expect(commonOpening([[sent], [sent, open]])).toEqual([]);
});

test('words that are no states of a handshake are left where they are', () => {
  expect(
    commonOpening([
      ['connect', 'finish', 'end'],
      ['connect', 'finish', 'close'],
    ]),
  ).toEqual([]);
});

test('values without words do not count, one value alone has nothing in common', () => {
  expect(commonOpening([[sent, open, first], [], null, undefined, [sent, open, second]])).toEqual([sent, open]);
  expect(commonOpening([[sent, open, first]])).toEqual([]);
  expect(commonOpening([])).toEqual([]);
});
