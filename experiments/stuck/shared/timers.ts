/** Delay of the path in one direction. A round trip of 50 ms makes the first RTO 250 ms, at which the number of retries does not depend on chance. */
export const onewayMs = 25;

/** A slot of the timer wheel is at most an eighth of the timer's time: kernel/time/timer.c, 64 slots, each level 8 times coarser. */
const wheel = 1 / 8;
/** Seconds that a busy machine may add to one timer. */
const late = 0.3;
/** Seconds by which the wire can be late in reading the segment before. */
export const early = 0.1;

/** Least and largest duration of a timer, as the wire sees it. */
export const leastOf = (seconds: number): number => seconds - early;
export const mostOf = (seconds: number): number => seconds * (1 + wheel) + late;
export const lasts = (seconds: number, expected: number): boolean =>
  seconds >= leastOf(expected) && seconds <= mostOf(expected);
