import { dataOf, type PatternData } from './patterns.ts';

/** What becomes of the packets that a rule decides, as data. */
export type Action =
  | { readonly do: 'carry' }
  | { readonly do: 'drop' }
  /** Dropped like the rest, but the record says that the path was dead, not that a segment was picked. */
  | { readonly do: 'black-hole' }
  /** Kept until it is released. */
  | { readonly do: 'hold' }
  | { readonly do: 'delay'; readonly ms: number }
  /** Carried, and again so many times, each so many ms after the one before. */
  | { readonly do: 'duplicate'; readonly copies: number; readonly everyMs: number }
  /** Carried after so many later packets of its direction, or after so many ms where those do not come. */
  | { readonly do: 'reorder'; readonly behind: number; readonly withinMs: number }
  /** Carried one after the other at so many bytes a second, dropped beyond a queue of so many bytes, then delayed. */
  | { readonly do: 'rate'; readonly bytesPerSecond: number; readonly queueBytes: number; readonly delayMs: number }
  /** Dropped with this probability; what is not lost is left to later rules. */
  | { readonly do: 'loss'; readonly probability: number; readonly seed: number };

/** Which packets, how many of them, and what becomes of those. The first rule that acts on a packet decides. */
export interface Rule {
  readonly pattern: PatternData;
  /** Acts on so many packets at most, then never again. */
  readonly times?: number;
  readonly action: Action;
}

export interface Times {
  readonly times?: number;
}

function checked(what: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (!(value >= least && value <= most)) throw new RangeError(`${what} ${value}: from ${least} to ${most}`);
  return value;
}

const rule = (pattern: PatternData, action: Action, { times }: Times = {}): Rule => ({
  pattern: dataOf(pattern),
  ...(times !== undefined && { times: checked('times', times, 1) }),
  action,
});

/** Not carried. Throws RangeError for `times` below 1, like all that follow for what cannot be. */
export const drop = (pattern: PatternData, options?: Times): Rule => rule(pattern, { do: 'drop' }, options);

/** Carried whatever later rules say: an exception. */
export const carry = (pattern: PatternData, options?: Times): Rule => rule(pattern, { do: 'carry' }, options);

/** Kept until it is released. */
export const hold = (pattern: PatternData, options?: Times): Rule => rule(pattern, { do: 'hold' }, options);

export const delay = (pattern: PatternData, ms: number, options?: Times): Rule =>
  rule(pattern, { do: 'delay', ms: checked('ms', ms, 0) }, options);

export interface DuplicateOptions extends Times {
  /** Default 1. */
  readonly copies?: number;
  /** Default 0: at once. */
  readonly everyMs?: number;
}
export const duplicate = (pattern: PatternData, { copies = 1, everyMs = 0, ...times }: DuplicateOptions = {}): Rule =>
  rule(
    pattern,
    { do: 'duplicate', copies: checked('copies', copies, 1), everyMs: checked('everyMs', everyMs, 0) },
    times,
  );

export interface ReorderOptions extends Times {
  /** How many later packets go first; default 1. */
  readonly behind?: number;
  /** How long it waits for them; default 200. */
  readonly withinMs?: number;
}
export const reorder = (pattern: PatternData, { behind = 1, withinMs = 200, ...times }: ReorderOptions = {}): Rule =>
  rule(
    pattern,
    { do: 'reorder', behind: checked('behind', behind, 1), withinMs: checked('withinMs', withinMs, 0) },
    times,
  );

/** Nothing of the pattern passes until the rule is lifted. */
export const blackhole = (pattern: PatternData): Rule => rule(pattern, { do: 'black-hole' });

export interface RateOptions {
  /** Bytes that may wait; default 65536. */
  readonly queueBytes?: number;
  /** Propagation, added to the time on the line; default 0. */
  readonly delayMs?: number;
}
export const rate = (
  pattern: PatternData,
  bytesPerSecond: number,
  { queueBytes = 65_536, delayMs = 0 }: RateOptions = {},
): Rule =>
  rule(pattern, {
    do: 'rate',
    bytesPerSecond: checked('bytesPerSecond', bytesPerSecond, 1),
    queueBytes: checked('queueBytes', queueBytes, 0),
    delayMs: checked('delayMs', delayMs, 0),
  });

/** The same seed loses the same packets of the same traffic. */
export const loss = (pattern: PatternData, probability: number, { seed }: { readonly seed: number }): Rule =>
  rule(pattern, { do: 'loss', probability: checked('probability', probability, 0, 1), seed: checked('seed', seed, 0) });
