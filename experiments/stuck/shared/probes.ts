/** Whether a wait before a window probe, in ms, took as long as expected: {@link tolerance}. */
export const isAbout = (ms: number, expected: number): boolean => ms >= expected - 10 && ms < expected * 1.125 + 200;
/** What that allows, in the words of a claim's source. */
export const tolerance =
  'Tolerance: early by a tick at HZ=100; late by a slot of the timer wheel, an eighth, and 200 ms of a busy machine';
