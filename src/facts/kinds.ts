import type { Declaration, RefusedCall, Unit } from '../record/fact.ts';

declare const valueType: unique symbol;
/** A declaration that knows the type of its values. */
export interface Kind<T> extends Declaration {
  readonly [valueType]?: T;
}
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

type Options = Partial<Pick<Declaration, 'compare' | 'resolution' | 'text' | 'unit'>>;
const number =
  (unit: Unit, defaults: Options) =>
  (options: Options = {}) =>
    ({ type: 'number', unit, compare: 'measurement', ...defaults, ...options }) as Kind<number>;

/** Makers of fact kinds, for the table of facts and for an experiment's own `measures`. */
export const kind = {
  /** How many; compared exactly. */
  count: number('count', { compare: 'exact' }),
  bytes: number('bytes', { compare: 'exact' }),
  seconds: number('s', {}),
  ms: number('ms', {}),
  us: number('us', {}),
  /** Times, in order; for a reader and for claims: lists are not tested for a difference. */
  times: (options: Options = {}) =>
    ({ type: 'numbers', unit: 's', compare: 'measurement', ...options }) as unknown as Kind<readonly number[]>,
  /** A figure again and again, at even distances; likewise. */
  series: (unit: Unit, options: Options = {}) =>
    ({ type: 'numbers', unit, compare: 'measurement', ...options }) as unknown as Kind<readonly number[]>,
  boolean: (options: Options = {}) => ({ type: 'boolean', compare: 'exact', ...options }) as Kind<boolean>,
  /** One of the given words. */
  word: <const V extends readonly string[]>(...values: V) =>
    ({ type: 'word', values, compare: 'exact' }) as Kind<V[number]>,
  /** A sequence of the given words. */
  words: <const V extends readonly string[]>(...values: V) =>
    ({ type: 'words', values, compare: 'exact' }) as unknown as Kind<readonly V[number][]>,
  /** What a system call answered: `ok` or the errno's name. */
  outcome: (options: Options = {}) => ({ type: 'word', compare: 'exact', ...options }) as Kind<string>,
  /** Refused system calls, in order. */
  calls: (options: Options = {}) =>
    ({ type: 'calls', compare: 'exact', ...options }) as unknown as Kind<readonly RefusedCall[]>,
} as const;

/** The same kind with a sentence that tells the reader what it says. */
export const described = <K extends Declaration>(text: string, declared: K): K => ({ ...declared, text });
