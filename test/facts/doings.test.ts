import { expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import { all, call, flow, ns, opened, sample, shown } from './handmade.ts';

const one = flow({ label: 'old' });
const ends = (...events: Parameters<typeof derive>[0]) => derive([...opened(one, 10), ...events], all).ends;

test('an end has the calls of its application, with what each was given and answered', () => {
  const write = call(one, 'client', 15, { verb: 'write', bytes: 7 });
  const close = call(one, 'client', 20, { verb: 'close', by: 'destroy' }, { ns: ns(2), errno: 'EBADF' });
  expect(ends(close, write)['old.client']?.calls).toEqual([
    { t: ns(15), ns: 0, verb: 'write', bytes: 7 },
    { t: ns(20), ns: ns(2), verb: 'close', by: 'destroy', errno: 'EBADF' },
  ]);
});

test('of many calls the first and the last are told, and how many are not', () => {
  const many = Array.from({ length: 100 }, (_, at) => call(one, 'client', 20 + at, { verb: 'write', bytes: at }));
  const { calls = [], more } = ends(...many)['old.client'] ?? {};
  expect(calls.map(({ bytes }) => bytes)).toEqual([
    ...Array(16).keys(),
    ...Array.from({ length: 8 }, (_, at) => 92 + at),
  ]);
  expect(more).toBe(76);
});

test('looks of ss in a row that showed the same are one', () => {
  const waits = shown(one, 'client', 'TIME-WAIT', 60_000);
  const seen = ends(sample(20, shown(one, 'client', 'ESTABLISHED')), sample(30, waits), sample(40, waits), sample(50));
  expect(seen['old.client']?.looks).toEqual([
    { t: ns(20), until: ns(25), state: 'ESTABLISHED', times: 1 },
    { t: ns(30), until: ns(45), state: 'TIME-WAIT', times: 2 },
    { t: ns(50), until: ns(55), state: null, times: 1 },
  ]);
});

test('an end of which nothing is known is not told of', () => {
  expect(ends()).toEqual({});
});
