import { afterEach, expect, test, vi } from 'vitest';
import { onEndSignals, orphanedSignal } from '../../src/process/ending.ts';

afterEach(() => void vi.useRealTimers());

/** What is seen of signals that come one after the other, a second apart. */
function seenOf(...signals: NodeJS.Signals[]): [number, string][] {
  vi.useFakeTimers({ toFake: ['performance'] });
  const seen: [number, string][] = [];
  using _ = onEndSignals((nth, { text }) => void seen.push([nth, text]));
  for (const signal of signals) {
    process.emit(signal, signal);
    vi.advanceTimersByTime(1000);
  }
  return seen;
}

test('a second signal of the user ends at once, whichever the two are', () => {
  expect(seenOf('SIGINT', 'SIGTERM')).toEqual([
    [1, 'stopped by SIGINT'],
    [2, 'stopped by SIGTERM'],
  ]);
});

test('the end of the parent comes once for each of its threads: it never counts as a second signal', () => {
  expect(seenOf(orphanedSignal, orphanedSignal, orphanedSignal)).toEqual([
    [1, 'stopped, since the program that started it was killed'],
  ]);
  expect(seenOf('SIGHUP', orphanedSignal)).toEqual([[1, 'stopped by SIGHUP']]);
});

test('a signal of the user after the end of the parent is a second one', () => {
  expect(seenOf(orphanedSignal, orphanedSignal, 'SIGINT').map(([nth]) => nth)).toEqual([1, 2]);
});
