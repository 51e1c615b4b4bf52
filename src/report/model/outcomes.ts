import { factKey } from '../../facts/values.ts';
import type { Declaration, Unit } from '../../record/fact.ts';
import type { CellRecord, ExperimentRecord } from '../../record/schema.ts';
import { median } from '../../stats/quantile.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { resolutionOf } from './judge.ts';

/** Where an outcome was seen: cells that come to the same outcomes, and how many of their results came to this one. */
export interface OutcomePlace {
  readonly cells: readonly CellGroup[];
  readonly results: number;
  readonly of: number;
  /** Its cells come to different outcomes from repeat to repeat. */
  readonly varies: boolean;
}

/** Results with equal facts. */
export interface Outcome {
  /** `A`, `B`, …: its name in the report. */
  readonly letter: string;
  readonly records: readonly CellRecord[];
  readonly places: readonly OutcomePlace[];
}

/** An experiment's results by what came of them. */
export interface Outcomes {
  /** The facts that tell outcomes apart: of those that are shown, in their order, all that keep outcomes few. */
  readonly facts: readonly string[];
  readonly outcomes: readonly Outcome[];
  readonly letterOf: ReadonlyMap<CellRecord, string>;
}

type Keys = ReadonlyMap<CellRecord, string>;

/** Results by as many of the shown facts as give at most `most` outcomes; by the first alone where even that gives more. */
export function outcomesOf(
  experiment: ExperimentRecord,
  shown: readonly string[],
  cells: readonly CellGroup[],
  hz: number,
  most: number,
): Outcomes {
  const ran = cells.filter((cell) => cell.ran.length > 0);
  let facts = shown.slice(0, 1);
  let keys = joined(new Map(), keysOf(facts[0], ran, experiment, hz), ran);
  for (const fact of shown.slice(1)) {
    const finer = joined(keys, keysOf(fact, ran, experiment, hz), ran);
    if (new Set(finer.values()).size > most) continue;
    keys = finer;
    facts = [...facts, fact];
  }
  const outcomes = byKey(ran, keys);
  const letters = outcomes.flatMap(({ letter, records }) => records.map((record) => [record, letter] as const));
  return { facts, outcomes, letterOf: new Map(letters) };
}

const joined = (a: Keys, b: Keys, cells: readonly CellGroup[]): Keys =>
  new Map(cells.flatMap(({ ran }) => ran.map((record) => [record, `${a.get(record) ?? ''}\n${b.get(record) ?? ''}`])));

/** What a fact says of each result; numbers that lie together say the same, by their cell's median. */
function keysOf(
  fact: string | undefined,
  cells: readonly CellGroup[],
  experiment: ExperimentRecord,
  hz: number,
): Map<CellRecord, string> {
  if (fact === undefined) return new Map();
  const declared = declaredFact(fact, experiment);
  const keys = new Map(cells.flatMap(({ ran }) => ran.map((record) => [record, factKey(factOf(record, fact))])));
  if (declared?.compare !== 'measurement' && declared?.compare !== 'within') return keys;
  const numeric = cells.flatMap((cell) => {
    const known = cell.ran.map((record) => factOf(record, fact)).filter((value) => typeof value === 'number');
    return known.length > 0 ? [{ cell, middle: median(known) }] : [];
  });
  const groups = clusters(
    numeric.map(({ middle }) => middle),
    declared,
    hz,
  );
  for (const [index, { cell }] of numeric.entries())
    for (const record of cell.ran) keys.set(record, `about ${groups[index]}`);
  return keys;
}

/** Outcomes in the order in which cells come to them; those of cells that vary together, the most frequent first. */
function byKey(cells: readonly CellGroup[], keys: Keys): Outcome[] {
  const outcomes = new Map<string, { records: CellRecord[]; places: OutcomePlace[] }>();
  for (const same of alike(cells, keys)) {
    const records = same.flatMap(({ ran }) => ran);
    const counted = [...Map.groupBy(records, (record) => keys.get(record) as string)];
    const varies = counted.length > 1 || same.some(({ race }) => race);
    for (const [key, own] of counted.sort(([, a], [, b]) => b.length - a.length)) {
      const outcome = outcomes.get(key) ?? { records: [], places: [] };
      outcome.records.push(...own);
      outcome.places.push({ cells: same, results: own.length, of: records.length, varies });
      outcomes.set(key, outcome);
    }
  }
  return [...outcomes.values()].map((outcome, index) => ({ letter: letterAt(index), ...outcome }));
}

/**
 * Cells that come to the same outcomes. One that always comes to the same belongs with those that do; one that varies
 * with all that share an outcome with it, for so few repeats need not show all that it can come to.
 */
function alike(cells: readonly CellGroup[], keys: Keys): CellGroup[][] {
  const groups: { keys: Set<string>; varies: boolean; cells: CellGroup[] }[] = [];
  for (const cell of cells) {
    const own = new Set(cell.ran.map((record) => keys.get(record) as string));
    const varies = cell.race || own.size > 1;
    const related = groups.filter((group) => group.varies === varies && !group.keys.isDisjointFrom(own));
    const [into, ...others] = related;
    if (into === undefined) {
      groups.push({ keys: own, varies, cells: [cell] });
      continue;
    }
    for (const { keys: more, cells: joining } of [...others, { keys: own, cells: [cell] }]) {
      for (const key of more) into.keys.add(key);
      into.cells.push(...joining);
    }
    for (const other of others) groups.splice(groups.indexOf(other), 1);
  }
  const place = new Map(cells.map((cell, index) => [cell, index]));
  const inOrder = (a: CellGroup, b: CellGroup): number => (place.get(a) ?? 0) - (place.get(b) ?? 0);
  return groups.map((group) => group.cells.sort(inOrder));
}

/** `A` to `Z`, then `A1`, …. */
const letterAt = (index: number): string =>
  String.fromCharCode(65 + (index % 26)) + (index < 26 ? '' : String(Math.floor(index / 26)));

/** Scheduling alone moves a time by so much, in its unit: two busy cores were seen to hold a close of 0.2 ms for 17. */
const noise: Partial<Record<Unit, number>> = { s: 0.02, ms: 20 };

/** A neighbour so many times larger is another story. */
const leap = 2;

/**
 * Numbers of one fact sorted into groups that lie together, for display only: the group of each, counted from the
 * smallest. Those of a `within` fact part where neighbours lie further apart than its resolution; others where the
 * larger is twice the smaller and more than scheduling noise away.
 */
export function clusters(values: readonly number[], declared: Declaration, hz: number): number[] {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const groups = new Map<number, number>();
  let group = 0;
  for (const [index, value] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && isLeap(before, value, declared, hz)) group++;
    groups.set(value, group);
  }
  return values.map((value) => groups.get(value) ?? 0);
}

function isLeap(from: number, to: number, declared: Declaration, hz: number): boolean {
  if (declared.compare === 'within') return to - from > resolutionOf(declared, [from, to], [hz]);
  const floor = declared.unit ? (noise[declared.unit] ?? 0) : 0;
  return to - from > floor && to >= from * leap;
}
