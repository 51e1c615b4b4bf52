/** One way of the path. A round trip of 50 ms makes the first RTO 250 ms, far from where a count of retries would be a matter of luck. */
export const onewayMs = 25;

/** A slot of the timer wheel is at most an eighth of the time that it is for: kernel/time/timer.c, 64 slots, each level 8 times coarser. */
const wheel = 1 / 8;
/** Seconds that a busy machine may add to one timer. */
const late = 0.3;
/** Seconds by which the wire may have been late in taking the segment before. */
export const early = 0.1;

/** The least and the most that a timer of so many seconds may take, as the wire sees it. */
export const leastOf = (seconds: number): number => seconds - early;
export const mostOf = (seconds: number): number => seconds * (1 + wheel) + late;
export const lasts = (seconds: number, expected: number): boolean =>
  seconds >= leastOf(expected) && seconds <= mostOf(expected);
