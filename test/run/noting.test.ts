import { expect, test } from 'vitest';
import { kind } from '../../src/facts/kinds.ts';
import { noting } from '../../src/run/stage.ts';

const measures = { after: kind.word('SYN-RECEIVED', 'CLOSED') };

test('a fact that was not observed is unknown, with the reason', () => {
  const { notes, noteUnknown } = noting(measures);
  noteUnknown('after', 'the look came too late');
  expect(notes).toEqual({
    facts: { after: null },
    unknown: { after: { code: 'not-noted', text: 'the look came too late' } },
  });
});

test('what is observed after all is known', () => {
  const { notes, note, noteUnknown } = noting(measures);
  noteUnknown('after', 'not yet');
  note('after', 'CLOSED');
  expect(notes).toEqual({ facts: { after: 'CLOSED' }, unknown: {} });
});

test.each([
  ['before', 'late', "noteUnknown: 'before' is not declared; add it to the experiment's measures"],
  [
    'counters.server.TcpExt.TW',
    'late',
    "noteUnknown: 'counters.server.TcpExt.TW' is a kernel counter, which lingerlab reads itself",
  ],
  ['after', ' ', "noteUnknown: 'after': why must be a text with the reason why the fact was not observed"],
])('noteUnknown(%j, %j) is refused', (name, why, message) => {
  expect(() => noting(measures).noteUnknown(name, why)).toThrow(new TypeError(message));
});
