import type { Declaration, FactValue, Unit } from '../record/fact.ts';
import { changedBy, type Lateness, type LateProcess, latestOf, processesOf } from '../record/lateness.ts';

/** What is read where a refuted claim may be a late process's doing. */
interface Refuted {
  readonly facts: Readonly<Record<string, FactValue | null>>;
  /** The facts that the claim read. */
  readonly read: readonly string[];
  readonly declared: Readonly<Record<string, Declaration>>;
  /** Asks again, with other values; true where the claim then holds. */
  readonly holds: (facts: Readonly<Record<string, FactValue | null>>) => boolean;
}

/** How a process that was late can explain that a claim is refuted. */
export interface Explained {
  readonly latest: LateProcess;
  /** `behaviour`: it was so late that the kernels may have done otherwise; `times`: with times as much earlier or later the claim holds. */
  readonly by: 'behaviour' | 'times';
}

const perMs: Partial<Readonly<Record<Unit, number>>> = { s: 1e-3, ms: 1, us: 1e3 };

/** A delay that is shorter than the longest explains as well. */
const shares = [0.25, 0.5, 0.75, 1];
/** Values at the beginning of a list that are moved one by one; the others are moved only together with those. */
const mostMoved = 32;

const moved = (value: number, by: number): number => Math.max(0, value + by);

/** Yields the values that a time can have if one of its moments was earlier or later by so much. */
function* movedValues(value: FactValue, by: number): Generator<FactValue> {
  if (typeof value === 'number') yield moved(value, by);
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => typeof each === 'number')) return;
  for (const at of value.keys()) {
    if (at >= mostMoved) return;
    // behind a late one all are; or it alone
    yield value.map((each, index) => (index >= at ? moved(each, by) : each));
    if (at < value.length - 1) yield value.map((each, index) => (index === at ? moved(each, by) : each));
  }
}

interface Time {
  readonly name: string;
  readonly value: FactValue;
  /** Of its unit in a millisecond. */
  readonly per: number;
}

/** The times among these facts. */
const timesOf = (names: readonly string[], { facts, declared }: Known): Time[] =>
  names.flatMap((name) => {
    const value = facts[name] ?? null;
    const per = perMs[declared[name]?.unit ?? 'count'];
    return per === undefined || value === null ? [] : [{ name, value, per }];
  });

type Known = Pick<Refuted, 'facts' | 'declared'>;

/** The facts with every time so many ms later, or earlier. */
export function movedTogether(known: Known, ms: number): Refuted['facts'] {
  const moves = timesOf(Object.keys(known.facts), known).map(({ name, value, per }) => [
    name,
    movedValues(value, ms * per).next().value ?? value,
  ]);
  return { ...known.facts, ...Object.fromEntries(moves) };
}

/**
 * The facts as they can have been: each time that was read by itself, and every time of the cell, earlier or later by up to so
 * many ms. Every one: with other times the claim may read what it did not come to.
 */
export function* movedFacts(refuted: Omit<Refuted, 'holds'>, ms: number): Generator<Refuted['facts']> {
  const { facts, read } = refuted;
  const times = timesOf(read, refuted);
  if (times.length === 0) return;
  for (const by of shares.flatMap((share) => [share * ms, -share * ms])) {
    for (const { name, value, per } of times) {
      for (const other of movedValues(value, by * per)) yield { ...facts, [name]: other };
    }
    yield movedTogether(refuted, by);
  }
}

/** A step passes through each of the processes, one after the other. */
export const togetherMs = (late: Lateness): number => processesOf(late).reduce((sum, { ms }) => sum + ms, 0);

/**
 * Whether late processes can explain that a claim is refuted. Only of a refuted one is that asked. It says that the kernel does
 * otherwise, and the delay is another reason for what was seen. A confirmed one says that nothing seen speaks against the claim,
 * and a delay does not take that away: it would have to make, by chance, just what the claim foretells.
 */
export function explainedBy(late: Lateness | undefined, refuted: Refuted): Explained | undefined {
  const latest = late && latestOf(processesOf(late));
  if (!latest) return undefined;
  const changed = changedBy(late);
  if (changed) return { latest: changed, by: 'behaviour' };
  for (const facts of movedFacts(refuted, togetherMs(late))) if (refuted.holds(facts)) return { latest, by: 'times' };
  return undefined;
}
