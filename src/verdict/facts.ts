import { absentCounter, counterNamed } from '../facts/counters.ts';
import type { WithoutValue } from '../record/detail.ts';
import type { Declaration, FactValue, UnknownFact } from '../record/fact.ts';
import type { CellRecord } from '../record/schema.ts';
import { isGauge } from '../tcp/counters.ts';

/** A fact without a value was read: what asked for it cannot be decided. */
export class NoValue extends Error {
  readonly without: WithoutValue;
  /** Which fact, and what is so of it, without the reason. */
  readonly brief: string;

  constructor(without: WithoutValue) {
    const { fact, is, why } = without;
    const brief = `${fact} ${isWords[is]}`;
    super(why ? `${brief}: ${why}` : brief);
    this.without = without;
    this.brief = brief;
  }
}

const isWords = { 'not-observed': 'not observed', 'not-tried': 'not tried' } as const;

/** A fact that the observers of this cell could not see. */
export class NotObserved extends NoValue {
  override readonly name = 'NotObserved';

  constructor(fact: string, why: UnknownFact | undefined) {
    super({ fact, is: 'not-observed', ...(why && { code: why.code, why: why.text }) });
  }
}

/** A fact that this cell did not try: its scenario never came to what the fact speaks of. */
export class NotTried extends NoValue {
  override readonly name = 'NotTried';

  constructor(fact: string) {
    super({ fact, is: 'not-tried' });
  }
}

/** What a cell knows: values, and why one is `null`. */
export interface CellFacts extends Pick<CellRecord, 'facts' | 'unknown' | 'late'> {
  /** The counters that its kernel has, `TcpExt.TW`; absent where that is not known. */
  readonly counters?: ReadonlySet<string>;
}
/** Facts as a claim reads them. */
export type Readable = Readonly<Record<string, FactValue>>;
/** Callback for each fact that is read, with its value, or the error that is thrown instead. */
export type OnRead = (name: string, value: FactValue | NoValue) => void;

/** Returns why no counter has this name. */
const noCount = (kernels: string): UnknownFact =>
  isGauge(kernels)
    ? { code: 'no-count', text: `${kernels} is a value of the moment or a setting, and counts nothing` }
    : { code: 'no-such-counter', text: 'this kernel has no such counter' };

/** Of these facts, those that are counters which the kernel does not have, or no counters: unknown, with the reason. */
export function lackedCounters(
  names: readonly string[],
  has: ReadonlySet<string>,
): Pick<CellRecord, 'facts' | 'unknown'> {
  const absent = names.flatMap((name) => {
    const kernels = counterNamed(name)?.kernels;
    return kernels !== undefined && !has.has(kernels) ? [[name, noCount(kernels)] as const] : [];
  });
  return {
    facts: Object.fromEntries(absent.map(([name]) => [name, null])),
    unknown: Object.fromEntries(absent),
  };
}

function unchanged(name: string, space: string, { facts, unknown }: CellFacts): number | NotObserved {
  const why = unknown[`counters.${space}`] ?? { code: 'not-read', text: `the counters of ${space} were not read` };
  return absentCounter(name, facts) ?? new NotObserved(name, why);
}

function valueIn(name: string, cell: CellFacts, declared: Readonly<Record<string, Declaration>>): FactValue | NoValue {
  const { space, kernels = '' } = counterNamed(name) ?? {};
  if (!Object.hasOwn(declared, name) && space === undefined) throw new TypeError(`there is no fact ${name}`);
  const value = Object.hasOwn(cell.facts, name) ? cell.facts[name] : undefined;
  if (value === null) return new NotObserved(name, cell.unknown[name]);
  if (value !== undefined) return value;
  if (space === undefined) return new NotTried(name);
  return isGauge(kernels) || cell.counters?.has(kernels) === false
    ? new NotObserved(name, noCount(kernels))
    : unchanged(name, space, cell);
}

/**
 * A cell's facts as claims read them. Reading one that has no value throws {@link NotObserved} or {@link NotTried}; one that is
 * not declared, a TypeError. `name in facts` asks whether there is a value. Nothing that a claim does to a value changes the record.
 */
export function readable(
  facts: CellFacts['facts'],
  declared: Readonly<Record<string, Declaration>>,
  unknown: CellFacts['unknown'],
  onRead: OnRead = () => {},
  counters?: CellFacts['counters'],
): Readable {
  const cell: CellFacts = { facts, unknown, ...(counters && { counters }) };
  const has = (name: string) => {
    const value = valueIn(name, cell, declared);
    if (!(value instanceof NoValue)) onRead(name, value);
    return !(value instanceof NoValue);
  };
  const names = () => Object.keys(facts).filter((name) => facts[name] !== null);
  return new Proxy<Record<string, FactValue>>(Object.create(null), {
    get(_, name) {
      if (typeof name === 'symbol') return undefined;
      const value = valueIn(name, cell, declared);
      onRead(name, value);
      if (value instanceof NoValue) throw value;
      return typeof value === 'object' ? structuredClone(value) : value;
    },
    has: (_, name) => typeof name === 'string' && has(name),
    ownKeys: names,
    getOwnPropertyDescriptor(_, name) {
      if (typeof name === 'symbol' || (facts[name] ?? null) === null) return undefined;
      return { configurable: true, enumerable: true, value: facts[name] };
    },
    set: (_, name) => {
      throw new TypeError(`facts are read only: ${String(name)}`);
    },
  });
}
