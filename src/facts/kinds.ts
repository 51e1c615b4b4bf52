import type { Declaration, FactValue, KeptOption, RefusedCall, Unit, UnknownFact } from '../record/fact.ts';

/** A declaration that knows the type of its values. */
export interface Kind<T> extends Declaration {
  readonly '~value'?: T;
}
export type ValueOf<K> = K extends Kind<infer T> ? T : never;

type Options = Partial<Pick<Declaration, 'compare' | 'resolution' | 'text' | 'label' | 'unit'>>;
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
  /** A sequence of the given words; of any words where none is given. */
  words: <const V extends readonly string[]>(...values: V) =>
    ({ type: 'words', ...(values.length > 0 && { values }), compare: 'exact' }) as unknown as Kind<
      readonly (V extends readonly [] ? string : V[number])[]
    >,
  /** What a system call answered: `ok` or the errno's name. */
  outcome: (options: Options = {}) => ({ type: 'word', compare: 'exact', ...options }) as Kind<string>,
  /** Refused system calls, in order. */
  calls: (options: Options = {}) =>
    ({ type: 'calls', compare: 'exact', ...options }) as unknown as Kind<readonly RefusedCall[]>,
  /** Socket options that were set, in order, with what the kernel kept of each. */
  options: (options: Options = {}) =>
    ({ type: 'options', compare: 'exact', ...options }) as unknown as Kind<readonly KeptOption[]>,
} as const;

/** Returns the same kind with a description for readers. */
export const described = <K extends Declaration>(text: string, declared: K): K => ({ ...declared, text });

/** Stands for a fact that should have been observed and was not; has the reason. */
export class Unknown implements UnknownFact {
  readonly code: UnknownFact['code'];
  readonly text: string;
  constructor(code: UnknownFact['code'], text: string) {
    this.code = code;
    this.text = text;
  }
}

/** Facts by name; absent: not tried. */
export type Findings = Record<string, FactValue | Unknown | undefined>;

/** What may be found of declared facts. */
export type Found<T> = { readonly [K in keyof T]?: ValueOf<T[K]> | Unknown | undefined };

/** Facts that are declared where they are derived. */
export interface FactGroup<T, Of> {
  readonly declared: T;
  readonly find: (of: Of) => Found<T>;
}

/** Declares facts together with what finds them in a record: it cannot find one that is not declared. */
export const factGroup = <const T extends Readonly<Record<string, Declaration>>, Of>(
  declared: T,
  find: (of: Of) => Found<T>,
): FactGroup<T, Of> => ({ declared, find });
