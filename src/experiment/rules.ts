import { acceptedKeys, acceptedNumber, acceptedWord, type Limits } from './accepted.ts';
import { acceptedPattern, dataOf, type PatternData, type Whole } from './patterns.ts';

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

export interface Times<N extends number = number> {
  /** On how many packets at most it acts; default on all. */
  readonly times?: Whole<N>;
}

/** What may be said of a rule, by what it does, in the words of its options. */
const limits = {
  ms: { least: 0, whole: false },
  copies: { least: 1 },
  everyMs: { least: 0, whole: false },
  behind: { least: 1 },
  withinMs: { least: 0, whole: false },
  bytesPerSecond: { least: 1, whole: false },
  queueBytes: { least: 0, whole: false },
  delayMs: { least: 0, whole: false },
  probability: { least: 0, most: 1, whole: false },
  seed: { least: 0 },
} as const satisfies Record<string, Limits>;

/** The numbers that each action needs. */
const numbersOf: Readonly<Record<Action['do'], readonly (keyof typeof limits)[]>> = {
  carry: [],
  drop: [],
  'black-hole': [],
  hold: [],
  delay: ['ms'],
  duplicate: ['copies', 'everyMs'],
  reorder: ['behind', 'withinMs'],
  rate: ['bytesPerSecond', 'queueBytes', 'delayMs'],
  loss: ['probability', 'seed'],
};
const actions = Object.keys(numbersOf) as readonly Action['do'][];

/**
 * A rule as it was written, data only. Throws TypeError or RangeError with the name of what is wrong, and what is allowed; `what`
 * is what the message calls the rule.
 */
export function acceptedRule(given: unknown, what = 'rule'): Rule {
  acceptedKeys(what, given, ['pattern', 'times', 'action']);
  const { pattern, times, action } = given as Rule;
  acceptedPattern(`${what}: pattern`, pattern);
  if (times !== undefined) acceptedNumber(`${what}: times`, times, { least: 1 });
  const { do: deed, ...numbers } = (action ?? {}) as Action;
  const names = numbersOf[acceptedWord(`${what}: action.do`, deed, actions)];
  acceptedKeys(what, numbers, names);
  for (const name of names)
    acceptedNumber(`${what}: ${name}`, (numbers as Record<string, unknown>)[name], limits[name]);
  return { pattern: dataOf(pattern), ...(times !== undefined && { times }), action };
}

type Options = Readonly<Record<string, unknown>>;

/** The rule that a verb of the wire's makes; `allowed`: the options that it has beside `times`. */
function rule(
  verb: string,
  pattern: PatternData,
  action: Options,
  options: Options,
  allowed: readonly string[] = [],
): Rule {
  acceptedKeys(`${verb}()`, options, [...allowed, 'times']);
  const { times } = options;
  const of = allowed.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  const made = { ...action, ...Object.fromEntries(of) };
  return acceptedRule({ pattern, ...(times !== undefined && { times }), action: made }, `${verb}()`);
}

/** Not carried. Throws TypeError or RangeError like all that follow for what cannot be: {@link acceptedRule}. */
export const drop = (pattern: PatternData, options: Times = {}): Rule =>
  rule('drop', pattern, { do: 'drop' }, { ...options });

/** Carried whatever later rules say: an exception. */
export const carry = (pattern: PatternData, options: Times = {}): Rule =>
  rule('carry', pattern, { do: 'carry' }, { ...options });

/** Kept until it is released. */
export const hold = (pattern: PatternData, options: Times = {}): Rule =>
  rule('hold', pattern, { do: 'hold' }, { ...options });

export const delay = (pattern: PatternData, ms: number, options: Times = {}): Rule =>
  rule('delay', pattern, { do: 'delay', ms }, { ...options });

export interface DuplicateOptions<N extends number = number> extends Times<N> {
  /** Default 1. */
  readonly copies?: number;
  /** Default 0: at once. */
  readonly everyMs?: number;
}
export const duplicate = (pattern: PatternData, options: DuplicateOptions = {}): Rule =>
  rule('duplicate', pattern, { do: 'duplicate', copies: 1, everyMs: 0 }, { ...options }, ['copies', 'everyMs']);

export interface ReorderOptions<N extends number = number> extends Times<N> {
  /** How many later packets go first; default 1. */
  readonly behind?: number;
  /** How long it waits for them; default 200. */
  readonly withinMs?: number;
}
export const reorder = (pattern: PatternData, options: ReorderOptions = {}): Rule =>
  rule('reorder', pattern, { do: 'reorder', behind: 1, withinMs: 200 }, { ...options }, ['behind', 'withinMs']);

/** Nothing of the pattern passes until the rule is lifted. */
export const blackhole = (pattern: PatternData): Rule => rule('blackhole', pattern, { do: 'black-hole' }, {});

export interface RateOptions {
  /** Bytes that may wait; default 65536. */
  readonly queueBytes?: number;
  /** Propagation, added to the time on the line; default 0. */
  readonly delayMs?: number;
}
export const rate = (pattern: PatternData, bytesPerSecond: number, options: RateOptions = {}): Rule => {
  const line = { do: 'rate', bytesPerSecond, queueBytes: 65_536, delayMs: 0 };
  return rule('rate', pattern, line, { ...options }, ['queueBytes', 'delayMs']);
};

/** The same seed loses the same packets of the same traffic. */
export const loss = (pattern: PatternData, probability: number, options: { readonly seed: number }): Rule =>
  rule('loss', pattern, { do: 'loss', probability }, { ...options }, ['seed']);
