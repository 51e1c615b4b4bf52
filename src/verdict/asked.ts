import type {
  AcrossClaim,
  AnyDefinition,
  AnyLoadDefinition,
  Claim,
  Compared,
  LoadAcrossClaim,
  Outcome,
} from '../experiment/definition.ts';
import { declarations, loadDeclarations } from '../facts/table.ts';
import type { Declaration } from '../record/fact.ts';
import type { CellRecord } from '../record/schema.ts';
import { compared, type Span } from './compared.ts';
import type { Readable } from './facts.ts';

/** A cell's factor values. */
export type Factors = CellRecord['factors'];
/** What claims across cells and answers are given of a cell, its own types forgotten. */
export type AnyOutcome = Outcome<Factors, Readable> & { readonly span?: Span };
/** A claim of cells, its own types forgotten. */
export type AnyClaim = Claim<Factors, Readable>;
/** A claim across cells, its own types forgotten. */
export type AnyAcrossClaim = AcrossClaim<Factors, Readable>;

/** Its claims of cells. */
export const claimsOf = (definition: AnyDefinition): readonly AnyClaim[] =>
  definition.claims as unknown as readonly AnyClaim[];
/** Its claims across cells, each of which is held against the outcomes it speaks of; throws AppliesToNone where there are none. */
export const acrossOf = (definition: AnyDefinition): readonly AnyAcrossClaim[] =>
  (definition.kind === 'load' ? acrossLoads(definition) : acrossClaims(definition.across)).map(withItsOwn);

const acrossClaims = (claims: unknown) => (claims ?? []) as readonly AnyAcrossClaim[];

/** Those of a load experiment compare the outcomes that they are held against. */
const acrossLoads = (definition: AnyLoadDefinition): readonly AnyAcrossClaim[] =>
  ((definition.across ?? []) as unknown as readonly LoadAcrossClaim<Factors, Readable>[]).map((claim) => ({
    ...claim,
    holds: (outcomes) => claim.holds(outcomes, compared(definition, outcomes).against),
  }));

/** None of the outcomes is one that a claim across cells speaks of. */
export class AppliesToNone extends Error {
  override readonly name = 'AppliesToNone';
  /** How many outcomes there are. */
  readonly results: number;

  constructor(results: number) {
    super(`it applies to none of ${results} results`);
    this.results = results;
  }
}

function withItsOwn(claim: AnyAcrossClaim): AnyAcrossClaim {
  const { when } = claim;
  if (!when) return claim;
  const holds = (outcomes: readonly AnyOutcome[]): boolean | undefined => {
    const own = outcomes.filter(when);
    if (own.length === 0) throw new AppliesToNone(outcomes.length);
    return claim.holds(own);
  };
  return { ...claim, holds };
}
/** What its `answer` returns, be it a conclusion or not. */
export const answeredBy = (definition: AnyDefinition, outcomes: readonly AnyOutcome[]): unknown =>
  definition.kind === 'load'
    ? (definition.answer as unknown as AnswerOfLoads)(outcomes, compared(definition, outcomes).against)
    : (definition.answer as unknown as (outcomes: readonly AnyOutcome[]) => unknown)(outcomes);
type AnswerOfLoads = (outcomes: readonly AnyOutcome[], compared: readonly Compared<Factors>[]) => unknown;
/** Every fact that a cell of this experiment may have, counters apart. */
export const declaredBy = (definition: AnyDefinition): Record<string, Declaration> =>
  definition.kind === 'load'
    ? loadDeclarations(definition.measures)
    : declarations(definition.connections, definition.measures);
