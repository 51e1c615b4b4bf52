import { type AnyDefinition, type AnyLoadDefinition, type Compared, cellId } from '../experiment/definition.ts';
import { type About, type RateStatement, type Statement, statementId } from '../experiment/guide.ts';
import { range, share } from '../experiment/phrases.ts';
import type { CellRecord, StatementRecord } from '../record/schema.ts';
import { repeatsNeeded } from '../stats/against.ts';
import { type AnyOutcome, claimsOf, type Factors } from './asked.ts';
import { applies } from './claims.ts';
import { compared } from './compared.ts';
import { type Judged, outcomesOf, ranOf, restsIn } from './outcomes.ts';

type AnyStatement = Statement<Factors, AnyOutcome>;
type AnyRate = RateStatement<Compared<Factors>>;

/**
 * The sentences of the tuning guide for which an experiment's cells have evidence. One is decided by the verdicts of its claim in
 * the cells that it rests on: those where the verdict is open take no part, and without any other cell the sentence is left out; so
 * is one whose own function throws. `wanted`: the cells of the default matrix; a sentence says how many of them it lacks.
 */
export function guideOf(
  definition: AnyDefinition,
  cells: readonly Judged[],
  wanted: readonly Factors[] = [],
): StatementRecord[] {
  const ran = ranOf(definition, cells);
  const guide = (definition.guide ?? []) as unknown as readonly AnyStatement[];
  return [
    ...guide.flatMap((statement) => unlessItThrows(() => stated(definition, statement, ran, wanted))),
    ...(definition.kind === 'load' ? ratesOf(definition, ran) : []),
  ];
}

/** A run ends whatever a sentence of its experiments does. */
function unlessItThrows(make: () => StatementRecord | undefined): StatementRecord[] {
  try {
    const made = make();
    return made ? [made] : [];
  } catch {
    return [];
  }
}

function stated(
  definition: AnyDefinition,
  statement: AnyStatement,
  ran: readonly Judged[],
  wanted: readonly Factors[],
): StatementRecord | undefined {
  const { about, text, claim, when, number } = statement;
  const decided = ran.flatMap((cell) => {
    const verdict = cell.claims.find(({ id }) => id === claim)?.verdict;
    const isDecided = verdict === 'confirmed' || verdict === 'refuted';
    return isDecided && (when?.(cell.factors) ?? true) ? [{ cell, isHeld: verdict === 'confirmed' }] : [];
  });
  if (decided.length === 0) return undefined;
  const held = decided.filter(({ isHeld }) => isHeld).length;
  const own = decided.map(({ cell }) => cell);
  const written = number ? numberOf(definition, number, own) : share(held, own.length);
  if (written === undefined) return undefined;
  const decidedIds = new Set(own.map(({ id }) => id));
  const asked = claimsOf(definition).find(({ id }) => id === claim);
  const lacking = wanted.filter(
    (factors) =>
      asked !== undefined &&
      applies(asked, factors) &&
      (when?.(factors) ?? true) &&
      !decidedIds.has(cellId(definition.id, factors)),
  ).length;
  return {
    id: statementId(statement),
    about: namesOf(about),
    claim,
    number: written,
    text: filled(text, written),
    held,
    of: own.length,
    ...(lacking > 0 && { lacking }),
    cells: restsIn(own),
  };
}

const namesOf = (about: About): StatementRecord['about'] =>
  Object.entries(about).map(([name, kind]) => ({ name, kind: kind as string }));

/** A sentence with its number. */
const filled = (text: string, number: string): string => text.replaceAll('{number}', number);

/** The number of a statement; undefined where a fact that it reads has no value in one of the results. */
function numberOf(
  definition: AnyDefinition,
  number: NonNullable<AnyStatement['number']>,
  ran: readonly Judged[],
): string | undefined {
  const { outcomes, missing } = outcomesOf(definition, ran);
  const text = String(number(outcomes));
  return missing() ? undefined : text;
}

/** Too few pairs show no difference, whatever there is: such comparisons decide nothing. */
function ratesOf(definition: AnyLoadDefinition, ran: readonly Judged[]): StatementRecord[] {
  const rates = (definition.rates ?? []) as unknown as readonly AnyRate[];
  if (rates.length === 0) return [];
  const { against, leftOut } = compared(definition, outcomesOf(definition, ran).outcomes);
  const idOf = (factors: Factors) => cellId(definition.id, factors);
  const counts = ({ id, repeat }: CellRecord) => !leftOut.some((out) => out.cell === id && out.repeat === repeat);
  const needed = repeatsNeeded(against.length);
  const rated = ({ id, about, text, compared: speaksOf, holds }: AnyRate): StatementRecord | undefined => {
    const own = against.filter((each) => each.pairs >= needed && speaksOf(each));
    if (own.length === 0) return undefined;
    const ids = new Set(own.flatMap(({ cell, baseline }) => [idOf(cell), idOf(baseline)]));
    const held = own.filter(holds).length;
    const cells = restsIn(ran.filter((cell) => ids.has(cell.id) && counts(cell)));
    const number = timesOf(own);
    return { id, about: namesOf(about), number, text: filled(text, number), held, of: own.length, cells };
  };
  return rates.flatMap((rate) => unlessItThrows(() => rated(rate)));
}

const timesOf = (own: readonly Compared<Factors>[]): string =>
  range(
    own.map(({ ratio }) => ratio),
    { digits: 2, unit: '×' },
  );
