import { messageOf } from '../errors.ts';
import { type AnyDefinition, cellId } from '../experiment/definition.ts';
import type { Conclusion, Finding } from '../experiment/finding.ts';
import { cellKey } from '../record/layout.ts';
import type { CellRecord, ConclusionRecord, ExperimentRecord, FindingRecord } from '../record/schema.ts';
import { NoValues } from '../stats/quantile.ts';
import { answeredBy } from './asked.ts';
import { type Judged, type Missing, outcomesOf, ranOf, restsIn } from './outcomes.ts';

type Asked = ConclusionRecord | { readonly missing: readonly Missing[] };
type Why = NonNullable<ConclusionRecord['because']>;

const none = (because: Why): ConclusionRecord => ({ headline: null, findings: [], because });

function askOnce(definition: AnyDefinition, ran: readonly Judged[]): Asked {
  const { outcomes, allMissing } = outcomesOf(definition, ran);
  const again = (): Asked | null => {
    const missing = allMissing();
    return missing.length > 0 ? { missing } : null;
  };
  try {
    const concluded = conclusionOf(definition, ran, answeredBy(definition, outcomes));
    return again() ?? concluded;
  } catch (thrown) {
    const because: Why =
      thrown instanceof NoValues ? { code: 'not-answered' } : { code: 'threw', message: messageOf(thrown) };
    return again() ?? none(because);
  }
}

/** What `answer` returned as the record has it; throws TypeError where that is no conclusion. */
function conclusionOf(definition: AnyDefinition, ran: readonly CellRecord[], returned: unknown): ConclusionRecord {
  const { headline, findings } = (
    typeof returned === 'string' ? { headline: returned, findings: [] } : returned
  ) as Conclusion;
  const recorded = findings.flatMap((each) => (each ? [findingOf(definition, ran, each)] : []));
  if (!headline) return { headline: null, findings: recorded, because: { code: 'not-answered' } };
  if (typeof headline !== 'string' || headline.trim() === '')
    throw new TypeError('answer() returned a headline that is empty or no text');
  return { headline, findings: recorded };
}

function findingOf(
  { id }: AnyDefinition,
  ran: readonly CellRecord[],
  { number, text, results }: Finding,
): FindingRecord {
  const rests = new Set(results.map(({ cell, repeat }) => cellKey(cellId(id, cell as CellRecord['factors']), repeat)));
  const own = ran.filter((cell) => rests.delete(cellKey(cell.id, cell.repeat)));
  if (rests.size > 0)
    throw new TypeError(
      `answer() returned a finding whose \`of\` has values that are no outcomes: ${[...rests].join(', ')}`,
    );
  return { number, text, cells: restsIn(own) };
}

/**
 * Asks for the answer from the cells that ran. A result of which it reads a fact without a value is left out, and it is asked
 * again: the other results are known.
 */
export function askAnswer(definition: AnyDefinition, ran: readonly Judged[]): ConclusionRecord {
  if (ran.length === 0) return none({ code: 'no-cell-ran' });
  const left: Missing[] = [];
  for (let rest = ran; rest.length > 0; ) {
    const asked = askOnce(definition, rest);
    if (!('missing' in asked)) {
      if (left.length === 0) return asked;
      // what nothing but the missing results prevented is prevented by them
      return { ...(asked.headline === null ? none({ code: 'left-out' }) : asked), without: without(left, ran.length) };
    }
    left.push(...asked.missing);
    const out = new Set(asked.missing.map(({ record }) => record));
    rest = rest.filter((cell) => !out.has(cell));
  }
  return { ...none({ code: 'left-out' }), without: without(left, ran.length) };
}

function without(left: readonly Missing[], of: number): NonNullable<ConclusionRecord['without']> {
  const reasons = Map.groupBy(left, ({ error: { without: each } }) => JSON.stringify([each.fact, each.is]));
  return {
    results: left.length,
    of,
    reasons: [...reasons.values()].map((same) => {
      const [{ error }] = same as [Missing];
      return { fact: error.without.fact, is: error.without.is, results: same.length };
    }),
  };
}

/** An experiment's answer, and from how many of its results. */
export function answerOf(
  definition: AnyDefinition,
  cells: readonly Judged[],
): { answer: ConclusionRecord; answered: NonNullable<ExperimentRecord['answered']> } {
  const answer = askAnswer(definition, ranOf(definition, cells));
  return { answer, answered: answer.headline === null ? 'none' : answer.without ? 'some' : 'all' };
}
