import type { AnyDefinition } from '../experiment/definition.ts';
import type { ResultOf, RunDetail } from '../record/detail.ts';
import { changedBy, type Lateness, type LateProcess, latestOf, processesOf } from '../record/lateness.ts';
import type { CellRecord, ClaimRecord, Verdict } from '../record/schema.ts';
import { type AnyAcrossClaim, type AnyClaim, AppliesToNone, acrossOf, claimsOf, declaredBy } from './asked.ts';
import { type CellVerdict, factsShown, firstOf, type Judgement, threw, verdictOf } from './claims.ts';
import { movedTogether, togetherMs } from './lateness.ts';
import { observedOf } from './observed.ts';
import { type Judged, outcomesOf, ranOf, resultOf } from './outcomes.ts';

/** The worst verdict stands for all. */
const worstFirst = ['refuted', 'inconclusive', 'confirmed'] as const satisfies readonly Verdict[];
type Counts = ClaimRecord['cells'];
const none: Counts = { confirmed: 0, refuted: 0, inconclusive: 0 };

type Claimed = Pick<CellVerdict, 'verdict' | 'detail'> & { readonly of: ResultOf };

/** Of so many results, those that decided a claim are listed. */
const mostResults = 3;

function together(verdicts: readonly Claimed[]): Judgement<RunDetail> & { readonly cells: Counts } {
  const of = (verdict: Verdict) => verdicts.filter((one) => one.verdict === verdict);
  const verdict = worstFirst.find((one) => of(one).length > 0);
  const cells = {
    confirmed: of('confirmed').length,
    refuted: of('refuted').length,
    inconclusive: of('inconclusive').length,
  };
  if (!verdict) return { verdict: 'inconclusive', cells, detail: { on: 'nothing', because: 'applies-to-none' } };
  if (verdict === 'confirmed') return { verdict, cells, detail: { on: 'results', first: [], more: 0 } };
  const { read: first, more } = firstOf(
    of(verdict).map((one) => ({ ...one.of, detail: one.detail })),
    mostResults,
  );
  return { verdict, cells, detail: { on: 'results', first, more } };
}

const asText = ({ id, text, source }: Pick<AnyClaim, 'id' | 'text' | 'source'>) => ({ id, text, source });

function claimOfCells(claim: AnyClaim, ran: readonly CellRecord[]): ClaimRecord {
  const verdicts = ran.flatMap((cell) =>
    cell.claims
      .filter(({ id }) => id === claim.id)
      .map(({ verdict, detail }) => ({ verdict, detail, of: resultOf(cell, ran) })),
  );
  const observed = observedOf(verdicts);
  return { ...asText(claim), across: false, ...together(verdicts), ...(observed.length > 0 && { observed }) };
}

const valuesIn = (cells: readonly CellRecord[]): Set<string> =>
  new Set(cells.flatMap(({ factors }) => Object.entries(factors).map(([name, value]) => `${name}=${value}`)));

/**
 * As few of the results as still refute the claim: what a reader must look at to see why. Each factor value stays: a mean of
 * nothing refutes anything.
 */
function shrunk(claim: AnyAcrossClaim, definition: AnyDefinition, ran: readonly Judged[]): readonly Judged[] {
  const all = valuesIn(ran).size;
  let few = ran;
  for (const cell of ran) {
    const fewer = few.filter((one) => one !== cell);
    if (valuesIn(fewer).size < all) continue;
    const { outcomes, read, missing } = outcomesOf(definition, fewer);
    try {
      if (verdictOf(claim.holds(outcomes)) === 'refuted' && read().length > 0 && !missing()) few = fewer;
    } catch {
      // it cannot do without this one
    }
  }
  return few;
}

function acrossDetail(
  claim: AnyAcrossClaim,
  definition: AnyDefinition,
  ran: readonly Judged[],
  verdict: Verdict,
  facts: number,
): RunDetail {
  if (verdict !== 'refuted') return { on: 'many-facts', facts, results: ran.length };
  const { outcomes, read } = outcomesOf(definition, shrunk(claim, definition, ran));
  claim.holds(outcomes);
  return { on: 'facts', ...firstOf(read(), factsShown[verdict]) };
}

/**
 * Hold a claim against all cells of its experiment that ran. One that is refuted with results of which a process was late, and not
 * without them, is not decided.
 */
export function judgeAcross(
  claim: AnyAcrossClaim,
  definition: AnyDefinition,
  ran: readonly Judged[],
): Judgement<RunDetail> {
  const judged = judgeTogether(claim, definition, ran);
  if (judged.verdict !== 'refuted') return judged;
  const late = ran.flatMap((cell) => changedBy(cell.late) ?? []);
  const latest = latestOf(late);
  const others = ran.filter((cell) => !changedBy(cell.late));
  const open = (by: 'behaviour' | 'times', count: number, of: LateProcess): Judgement<RunDetail> => ({
    verdict: 'inconclusive',
    detail: { on: 'late-results', by, late: count, results: ran.length, latest: of },
  });
  if (latest && judgeTogether(claim, definition, others).verdict !== 'refuted')
    return open('behaviour', late.length, latest);
  const moved = holdsMoved(claim, definition, ran);
  const timed = moved && latestOf(processesOf(moved));
  return timed ? open('times', 1, timed) : judged;
}

/** How late the first result was with whose times, moved by its delay, the claim holds. */
function holdsMoved(claim: AnyAcrossClaim, definition: AnyDefinition, ran: readonly Judged[]): Lateness | undefined {
  const declared = declaredBy(definition);
  const holds = (cells: readonly Judged[]): boolean => {
    const { outcomes, missing } = outcomesOf(definition, cells);
    try {
      return claim.holds(outcomes) === true && !missing();
    } catch {
      return false;
    }
  };
  const found = ran.find((cell) => {
    const ms = cell.late && togetherMs(cell.late);
    if (!ms) return false;
    return [ms, -ms].some((by) => {
      const moved = { ...cell, facts: movedTogether({ facts: cell.facts, declared }, by) };
      return holds(ran.map((one) => (one === cell ? moved : one)));
    });
  });
  return found?.late;
}

function judgeTogether(claim: AnyAcrossClaim, definition: AnyDefinition, ran: readonly Judged[]): Judgement<RunDetail> {
  const { outcomes, read, missing } = outcomesOf(definition, ran);
  const open = (detail: RunDetail): Judgement<RunDetail> => ({ verdict: 'inconclusive', detail });
  const withoutValue = (): Judgement<RunDetail> | null => {
    const found = missing();
    return found && open({ on: 'no-value', ...found.of, ...found.error.without });
  };
  try {
    const held = claim.holds(outcomes);
    if (held === undefined) return withoutValue() ?? open({ on: 'nothing', because: 'undecided' });
    const verdict = verdictOf(held);
    const facts = read().length;
    // `every` of no cells is true: where a filter left none of those it speaks of, it was not put to the test.
    if (facts === 0) return withoutValue() ?? open({ on: 'nothing', because: 'no-fact-read' });
    return withoutValue() ?? { verdict, detail: acrossDetail(claim, definition, ran, verdict, facts) };
  } catch (thrown) {
    const none = thrown instanceof AppliesToNone ? thrown : undefined;
    return (
      withoutValue() ??
      (none ? open({ on: 'nothing', because: 'applies-to-none', results: none.results }) : threw(thrown))
    );
  }
}

/**
 * The claims of an experiment over all its cells: those of cells as their records say, the worst verdict standing for all;
 * those across cells held against the facts. Cells that did not run take no part, repeats each count.
 */
export function judgeRun(definition: AnyDefinition, cells: readonly Judged[]): ClaimRecord[] {
  const ran = ranOf(definition, cells);
  const missing = cells.filter(({ experiment, status }) => experiment === definition.id && status !== 'ran').length;
  const without = missing > 0 && ran.length > 0 ? { without: missing } : {};
  const nothingRan: Judgement<RunDetail> = {
    verdict: 'inconclusive',
    detail: { on: 'nothing', because: 'no-cell-ran' },
  };
  const across = acrossOf(definition).map((claim): ClaimRecord => {
    const judged = ran.length === 0 ? nothingRan : judgeAcross(claim, definition, ran);
    return { ...asText(claim), across: true, cells: none, ...judged, ...without };
  });
  return [...claimsOf(definition).map((claim) => claimOfCells(claim, ran)), ...across];
}
