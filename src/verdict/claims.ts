import { messageOf } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import type { CellDetail, FactRead } from '../record/detail.ts';
import type { Declaration } from '../record/fact.ts';
import type { CellRecord, Verdict, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { type AnyClaim, claimsOf, declaredBy, type Factors } from './asked.ts';
import type { CellFacts } from './facts.ts';
import { explainedBy } from './lateness.ts';
import { factsRead, reading } from './reading.ts';

/** What came of one claim in one cell. */
export type CellVerdict = CellRecord['claims'][number];
/** A verdict and what it rests on. */
export interface Judgement<Detail = CellDetail> {
  readonly verdict: Verdict;
  readonly detail: Detail;
}

/** A claim that cannot be asked leaves its question open. */
export const threw = (thrown: unknown): Judgement<Extract<CellDetail, { on: 'throw' }>> => ({
  verdict: 'inconclusive',
  detail: { on: 'throw', message: messageOf(thrown) },
});

/** What a claim's function returned, as a verdict; anything but true and false is a mistake of the claim's. */
export function verdictOf(answer: unknown): Exclude<Verdict, 'inconclusive'> {
  if (typeof answer !== 'boolean') throw new TypeError(`holds() returned ${String(answer)}, not true or false`);
  return answer ? 'confirmed' : 'refuted';
}

/** How many facts a verdict's detail lists: a refuted claim sends its reader to them, a confirmed one needs a reminder only. */
export const factsShown = { refuted: 12, confirmed: 3 } as const;

/** The first so many of what was read, and how many more there are. */
export const firstOf = <T>(read: readonly T[], most: number): { read: T[]; more: number } => ({
  read: read.slice(0, most),
  more: Math.max(0, read.length - most),
});

/** Hold one claim against the facts of a cell. */
export function judgeClaim(
  claim: AnyClaim,
  factors: Factors,
  cell: CellFacts,
  declared: Readonly<Record<string, Declaration>>,
): Judgement {
  const { facts, read, missing } = reading(cell, declared);
  const holds = (others: CellFacts['facts']): boolean => {
    const again = reading({ ...cell, facts: others }, declared);
    try {
      return verdictOf(claim.holds(again.facts, factors)) === 'confirmed' && !again.missing();
    } catch {
      return false;
    }
  };
  try {
    const verdict = verdictOf(claim.holds(facts, factors));
    const without = missing();
    if (without) throw without;
    const rests = firstOf(factsRead(read), factsShown[verdict]);
    const explained =
      verdict === 'refuted' && explainedBy(cell.late, { ...cell, read: [...read.keys()], declared, holds });
    if (explained) return { verdict: 'inconclusive', detail: { on: 'late', ...explained, ...rests } };
    const needs = verdict === 'refuted' ? needsOf([...read.keys()], cell, declared, holds) : [];
    return { verdict, detail: { on: 'facts', ...rests, ...(needs.length > 0 && { needs }) } };
  } catch (thrown) {
    const without = missing();
    return without ? { verdict: 'inconclusive', detail: { on: 'no-value', ...without.without } } : threw(thrown);
  }
}

/** Values of one of these facts with which a refuted claim would hold: of facts that are true or false, or one of a few words. */
function needsOf(
  read: readonly string[],
  cell: CellFacts,
  declared: Readonly<Record<string, Declaration>>,
  holds: (facts: CellFacts['facts']) => boolean,
): FactRead[] {
  return read.flatMap((fact) => {
    const { type, values = [] } = declared[fact] ?? {};
    const possible = type === 'boolean' ? [true, false] : type === 'word' ? values : [];
    return possible
      .filter((value) => value !== cell.facts[fact] && holds({ ...cell.facts, [fact]: value }))
      .map((value) => ({ fact, value }));
  });
}

/** Whether a load experiment counts a result; a fact without a value leaves that open, and it counts. */
function counts(definition: AnyDefinition, cell: CellFacts, declared: Readonly<Record<string, Declaration>>): boolean {
  if (definition.kind !== 'load' || !definition.load.counts) return true;
  const { facts, missing } = reading(cell, declared);
  try {
    // biome-ignore lint/suspicious/noExplicitAny: its facts are those that it declares
    return definition.load.counts(facts as any) || missing() !== null;
  } catch {
    return true;
  }
}

/** Whether a claim speaks of a cell; what its `when` throws is thrown. */
export const applies = (claim: AnyClaim, factors: Factors): boolean => claim.when?.(factors) ?? true;

/** Verdicts of the claims that apply to a cell that ran. */
export function judgeCell(definition: AnyDefinition, cell: Pick<CellRecord, 'factors'> & CellFacts): CellVerdict[] {
  const declared = declaredBy(definition);
  return claimsOf(definition).flatMap((claim) => {
    try {
      if (!applies(claim, cell.factors)) return [];
    } catch (thrown) {
      return [{ id: claim.id, ...threw(thrown) }];
    }
    const judged = judgeClaim(claim, cell.factors, cell, declared);
    const { detail } = judged;
    // what its own comparison does not count speaks against nothing
    const isLeftOut = judged.verdict === 'refuted' && detail.on === 'facts' && !counts(definition, cell, declared);
    return isLeftOut
      ? [{ id: claim.id, verdict: 'inconclusive' as const, detail: { ...detail, on: 'left-out' as const } }]
      : [{ id: claim.id, ...judged }];
  });
}

/** A warning for each claim that applies to none of these cells, to be given all cells of the experiment that are worth running. */
export function claimsWithoutCells(definition: AnyDefinition, cells: readonly Factors[]): Warning[] {
  const speaksOf = (claim: AnyClaim) => (factors: Factors) => {
    try {
      return applies(claim, factors);
    } catch {
      // It has a verdict in the cell's record that says what it threw.
      return true;
    }
  };
  return claimsOf(definition)
    .filter((claim) => !cells.some(speaksOf(claim)))
    .map((claim) =>
      warn('claim-applies-to-no-cell', `the claim ${claim.id} of ${definition.id} applies to none of its cells`),
    );
}
