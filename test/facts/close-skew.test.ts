import { expect, test } from 'vitest';
import { derive } from '../../src/facts/derive.ts';
import type { Call, Event } from '../../src/record/event.ts';
import type { End } from '../../src/tcp/states.ts';
import { all, call, flow, opened } from './handmade.ts';

const one = flow();
const by = (end: End, at: number, given: Call, errno?: string) => call(one, end, at, given, errno ? { errno } : {});
const skew = (...events: Event[]) => derive([...opened(one, 10), ...events], all).facts.closeSkew;
const destroy: Call = { verb: 'close', by: 'destroy' };

test('the skew is between the two closing calls, whichever end came first', () => {
  expect(skew(by('client', 20, destroy), by('server', 20.022, { verb: 'close', by: 'end' }))).toBe(22);
  expect(skew(by('server', 20, destroy), by('client', 25, { verb: 'close(2)' }))).toBe(5000);
});

test('a half-close counts, a shutdown of reading does not', () => {
  const half = by('client', 20, { verb: 'shutdown', how: 'WR' });
  const reading = by('client', 19, { verb: 'shutdown(2)', how: 'RD' });
  expect(skew(reading, half, by('client', 30, destroy), by('server', 20.5, destroy))).toBe(500);
});

test('a call that was refused closed nothing', () => {
  expect(skew(by('client', 20, destroy, 'EBADF'), by('client', 21, destroy), by('server', 20, destroy))).toBe(1000);
});

test('there is none where an end did not close', () => {
  expect(skew(by('client', 20, destroy))).toBeUndefined();
});
