import { expect, test } from 'vitest';
import { parseMs, parseTimer } from '../../../src/observers/ss/timer.ts';

/** print_ms_timer of iproute2's misc/ss.c; before 6.12 the second unit was `ms` after seconds, too. */
function printed(timeout: number, old: boolean): string {
  const minutes = Math.floor(timeout / 60_000);
  const seconds = minutes > 9 ? 0 : Math.floor(timeout / 1000) % 60;
  const ms = minutes > 0 || seconds > 9 ? 0 : timeout % 1000;
  const unit = seconds && !old ? 'sec' : 'ms';
  return [
    minutes ? `${minutes}min` : '',
    seconds ? `${seconds}${ms ? '.' : 'sec'}` : '',
    ms ? `${String(ms).padStart(3, '0')}${unit}` : '',
  ].join('');
}

test.each([
  ['', 0],
  ['004ms', 4],
  ['200ms', 200],
  ['5.992ms', 5992],
  ['5.992sec', 5992],
  ['1.004sec', 1004],
  ['59sec', 59_000],
  ['1min', 60_000],
  ['1min58sec', 118_000],
  ['119min', 7_140_000],
])('%s is %i ms', (text, ms) => {
  expect(parseMs(text)).toBe(ms);
});

test.each([true, false])('whatever iproute2 prints is read back, up to what it cuts off (older: %s)', (old) => {
  for (let timeout = 0; timeout < 700_000; timeout += 37) {
    const cut = timeout >= 600_000 ? 60_000 : timeout >= 10_000 ? 1000 : 1;
    expect(parseMs(printed(timeout, old))).toBe(timeout - (timeout % cut));
  }
});

test.each(['soon', '5', '1hr', '-5ms', '1min5', '5.sec', ' 5sec', '5sec '])('%j is no time', (text) => {
  expect(parseMs(text)).toBeUndefined();
});

test('a timer has a name, a time and a number of retransmissions', () => {
  expect(parseTimer('persist,1min58sec,12)')).toEqual({ name: 'persist', ms: 118_000, retransmits: 12 });
  expect(parseTimer('on,,0)')).toEqual({ name: 'on', ms: 0, retransmits: 0 });
});

test.each(['on,5ms,0', 'on,5ms)', ',5ms,0)', 'on,5ms,x)', ''])('%j is no timer', (text) => {
  expect(parseTimer(text)).toBeUndefined();
});
