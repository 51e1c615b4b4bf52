import type { AnyDefinition } from '../experiment/definition.ts';
import type { Declaration } from '../record/fact.ts';
import type { CellRecord, FindingRecord } from '../record/schema.ts';
import { askAnswer } from './answer.ts';
import { type AnyAcrossClaim, type AnyClaim, acrossOf, claimsOf, declaredBy } from './asked.ts';
import { applies, judgeClaim } from './claims.ts';
import { type Donor, donorsOf } from './exchange.ts';
import type { CellFacts } from './facts.ts';
import { ranOf } from './outcomes.ts';
import { judgeAcross } from './run.ts';

/** Whether a claim can fail: the facts that refute it, or `null` where none of those tried does. */
export interface Falsifier {
  readonly claim: string;
  readonly refutedBy: string | null;
}
/** Facts made by hand, by the id of the claim that no cell of the experiment can refute. */
export type HandMade = Readonly<Record<string, Pick<CellFacts, 'facts'> & Partial<CellFacts>>>;

const nameOf = ({ id, repeat }: CellRecord): string => (repeat > 1 ? `${id} #${repeat}` : id);
function handMadeDonors(handMade: HandMade, claim: string): Donor[] {
  const made = handMade[claim];
  return made ? [{ name: `a record made by hand`, facts: made.facts, unknown: made.unknown ?? {} }] : [];
}

function appliesTo(claim: AnyClaim, cell: CellRecord): boolean {
  try {
    return applies(claim, cell.factors);
  } catch {
    return false;
  }
}

function refuterOf(
  claim: AnyClaim,
  cells: readonly CellRecord[],
  donors: readonly Donor[],
  declared: Readonly<Record<string, Declaration>>,
): string | null {
  for (const cell of cells.filter((one) => appliesTo(claim, one))) {
    const refutes = (donor: Donor) => judgeClaim(claim, cell.factors, donor, declared).verdict === 'refuted';
    const donor = donors.find(refutes);
    if (donor) return `the facts of ${donor.name} in ${nameOf(cell)}`;
  }
  return null;
}

interface Arrangement {
  readonly name: string;
  readonly cells: readonly CellRecord[];
}
const given = (cell: CellRecord, { facts, unknown }: CellFacts): CellRecord => ({ ...cell, facts, unknown });

/** The cells with their facts exchanged in pairs; with one's facts in all; with facts from elsewhere in one. */
function* arrangements(cells: readonly CellRecord[], donors: readonly Donor[]): Generator<Arrangement> {
  for (const [first, a] of cells.entries()) {
    for (const b of cells.slice(first + 1)) {
      const swapped = cells.map((cell) => (cell === a ? given(a, b) : cell === b ? given(b, a) : cell));
      yield { name: `the facts of ${nameOf(a)} and ${nameOf(b)} exchanged`, cells: swapped };
    }
  }
  yield* replacements(cells, donors);
}

const everywhere = (cells: readonly CellRecord[], donor: Donor): Arrangement => ({
  name: `the facts of ${donor.name} in all cells`,
  cells: cells.map((cell) => given(cell, donor)),
});

function* replacements(cells: readonly CellRecord[], donors: readonly Donor[]): Generator<Arrangement> {
  for (const donor of donors) {
    yield everywhere(cells, donor);
    for (const one of cells) {
      const replaced = cells.map((cell) => (cell === one ? given(cell, donor) : cell));
      yield { name: `the facts of ${donor.name} in ${nameOf(one)}`, cells: replaced };
    }
  }
}

/** Lists donors of facts; observed facts come first, since readers understand them better than exchanged ones. */
function donorsIn(definition: AnyDefinition, ran: readonly CellRecord[]): Donor[] {
  const donors = ran.map((cell) => donorsOf(definition, cell, nameOf(cell)));
  return [...donors.flatMap((of) => of.slice(0, 1)), ...donors.flatMap((of) => of.slice(1))];
}

function acrossRefuter(
  claim: AnyAcrossClaim,
  definition: AnyDefinition,
  ran: readonly CellRecord[],
  donors: readonly Donor[],
  handMade: readonly Donor[],
): string | null {
  const refutes = (cells: readonly CellRecord[]) => judgeAcross(claim, definition, cells).verdict === 'refuted';
  if (refutes(ran)) return 'the facts as they are';
  // made because no cell can: exchanging the facts of hundreds would take a minute first
  for (const { name, cells } of replacements(ran, handMade)) if (refutes(cells)) return name;
  for (const { name, cells } of arrangements(ran, donors)) if (refutes(cells)) return name;
  return null;
}

/**
 * For each claim, facts that refute it: those of another cell of the experiment, of a cell with its ends or connections exchanged, or
 * made by hand, put in the place of a cell that it speaks of; across cells, facts exchanged between cells.
 * A claim that nothing refutes says nothing.
 */
export function falsifiers(
  definition: AnyDefinition,
  cells: readonly CellRecord[],
  handMade: HandMade = {},
): Falsifier[] {
  // whether facts can refute it is asked, not whether something else can explain these
  const ran = ranOf(definition, cells).map((cell) => ({ ...cell, late: undefined }));
  const declared = declaredBy(definition);
  const donors = donorsIn(definition, ran);
  const ofCells = claimsOf(definition).map((claim) => ({
    claim: claim.id,
    refutedBy: refuterOf(claim, ran, [...donors, ...handMadeDonors(handMade, claim.id)], declared),
  }));
  const across = acrossOf(definition).map((claim) => ({
    claim: claim.id,
    refutedBy: acrossRefuter(claim, definition, ran, donors, handMadeDonors(handMade, claim.id)),
  }));
  return [...ofCells, ...across];
}

/**
 * One cell's facts in all of them move most parts of an answer, and there are few such arrangements. Of facts that are made by
 * hand, since no cell has others, each changes a cell as it is.
 */
function* fewFirst(cells: readonly CellRecord[], donors: readonly Donor[], handMade: HandMade): Generator<Arrangement> {
  for (const donor of donors) yield everywhere(cells, donor);
  for (const [claim, { facts }] of Object.entries(handMade)) {
    const changed = cells.map((cell) => ({ ...cell, facts: { ...cell.facts, ...facts } }));
    yield { name: `the facts made by hand for ${claim}`, cells: changed };
  }
  yield* arrangements(cells, donors);
}

/** Which parts of an answer never changed, whatever facts it was given: empty of a good one. */
export interface Fixed {
  readonly headline: boolean;
  /** By their number in the answer to the facts as they are, from 0. */
  readonly findings: readonly number[];
}

/**
 * Whether the answer is made from facts: exchanged between cells, or between their ends, or made by hand, facts give another
 * headline, and each finding another number or text. Null where there is no answer.
 */
export function fixedParts(
  definition: AnyDefinition,
  cells: readonly CellRecord[],
  handMade: HandMade = {},
): Fixed | null {
  const ran = ranOf(definition, cells);
  const answer = askAnswer(definition, ran);
  if (answer.headline === null) return null;
  let headline = true;
  const findings = new Set(answer.findings.keys());
  const donors = donorsIn(definition, ran);
  for (const { cells: other } of fewFirst(ran, donors, handMade)) {
    const moved = askAnswer(definition, other);
    // of fewer results any share is another one
    if (moved.without?.results !== answer.without?.results) continue;
    if (moved.headline !== null && moved.headline !== answer.headline) headline = false;
    const said = new Set(moved.findings.map(({ number, text }) => `${number} ${text}`));
    for (const at of findings) {
      const { number, text } = answer.findings[at] as FindingRecord;
      if (moved.findings.length > 0 && !said.has(`${number} ${text}`)) findings.delete(at);
    }
    if (!headline && findings.size === 0) break;
  }
  return { headline, findings: [...findings] };
}
