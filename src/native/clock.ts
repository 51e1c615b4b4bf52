/** Nanoseconds of CLOCK_MONOTONIC since an origin. */
export type Clock = () => number;

export const clockSince =
  (origin: bigint): Clock =>
  () =>
    Number(process.hrtime.bigint() - origin);
