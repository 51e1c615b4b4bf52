import { formatCount, formatFact } from '../../facts/values.ts';
import type { CellDetail } from '../../record/detail.ts';
import type { ClaimRecord, ExperimentRecord, Verdict } from '../../record/schema.ts';
import { brief, cellDetailParts, runDetailParts } from '../detail.ts';
import { formatRange, plural } from '../format.ts';
import { type CellGroup, declaredFact } from '../gather.ts';
import { type Which, whichOf } from '../which-cells.ts';
import { type Head, headOf } from './facts.ts';

/** Verdicts in the order in which a reader wants them, each with its mark. */
export const verdictMarks: Readonly<Record<Verdict, string>> = { refuted: '✗', inconclusive: '?', confirmed: '✓' };

export const verdictOrder = Object.keys(verdictMarks) as readonly Verdict[];

/** Refuted first, then inconclusive, then confirmed; each in the order of the experiment. */
export const orderClaims = (claims: readonly ClaimRecord[]): ClaimRecord[] =>
  verdictOrder.flatMap((verdict) => claims.filter((claim) => claim.verdict === verdict));

/** In how many results, repeats counted, a claim has its verdict: `2 of 12 results, 9 confirmed, 1 inconclusive`. */
export function tally({ across, cells, verdict }: ClaimRecord): string {
  if (across) return 'all cells together';
  const all = cells.confirmed + cells.refuted + cells.inconclusive;
  if (all === 0) return 'no result';
  if (cells[verdict] === all) return all === 1 ? 'its 1 result' : `all ${formatCount(all)} results`;
  const others = verdictOrder.filter((other) => other !== verdict && cells[other] > 0);
  const rest = others.map((other) => `${formatCount(cells[other])} ${other}`);
  return [`${formatCount(cells[verdict])} of ${plural(all, 'result')}`, ...rest].join(', ');
}

/** The cells in some repeat of which a claim has this verdict, with the first detail given there. */
export function cellsWith(
  cells: readonly CellGroup[],
  claim: string,
  verdict: Verdict,
): { cell: CellGroup; detail: CellDetail }[] {
  return cells.flatMap((cell) => {
    const found = cell.ran.flatMap((record) =>
      record.claims.filter((each) => each.id === claim && each.verdict === verdict),
    );
    return found[0] ? [{ cell, detail: found[0].detail }] : [];
  });
}

/** Cells with a verdict, those with the same detail together: the detail and the cells. */
function byDetail(
  found: readonly { cell: CellGroup; detail: CellDetail }[],
  experiment: ExperimentRecord,
): [string, CellGroup[]][] {
  const parts = found.map(({ cell, detail }) => ({ cell, parts: cellDetailParts(detail, experiment) }));
  return [...Map.groupBy(parts, (each) => each.parts.join('')).values()].map((same) => [
    brief(same[0]?.parts ?? []),
    same.map(({ cell }) => cell),
  ]);
}

/**
 * Why a claim has its verdict: of one of cells, what each of these said, those with the same words together; of one
 * across cells, or where no cell said anything, its own words.
 */
export function reasonsOf(
  claim: ClaimRecord,
  cells: readonly CellGroup[],
  experiment: ExperimentRecord,
): { detail: string; cells: CellGroup[] }[] {
  const told = byDetail(cellsWith(cells, claim.id, claim.verdict), experiment).filter(([detail]) => detail !== '');
  if (told.length > 0) return told.map(([detail, same]) => ({ detail, cells: same }));
  const detail = brief(runDetailParts(claim, experiment));
  return detail === '' ? [] : [{ detail, cells: [] }];
}

/** Claims that are inconclusive for the same reason, together: a run that did not come to their cells leaves many. */
export function openTogether(claims: readonly ClaimRecord[]): ClaimRecord[][] {
  const key = ({ id, verdict, cells, detail, without }: ClaimRecord): string =>
    JSON.stringify(verdict === 'inconclusive' && cells.inconclusive === 0 ? { detail, without } : { id });
  return [
    ...Map.groupBy(
      orderClaims(claims).filter(({ verdict }) => verdict !== 'confirmed'),
      key,
    ).values(),
  ];
}

/** A claim with its verdict over the run. */
export interface ClaimView extends Pick<ClaimRecord, 'id' | 'text' | 'source' | 'verdict'> {
  /** In how many results it has that verdict. */
  readonly share: string;
  /** What the facts were that decided so; absent: not recorded, or nothing was read. */
  readonly observed?: readonly ObservedFact[];
  /** Of a refuted claim: what the same facts were where it holds; absent where it nowhere does. */
  readonly holdsWith?: readonly ObservedFact[];
}

/** A fact that a claim read, with its values over results. */
export interface ObservedFact extends Head {
  readonly is: string;
}

/** An experiment's claims, refuted first. */
export const claimViews = (experiment: ExperimentRecord): ClaimView[] =>
  orderClaims(experiment.claims).map((claim) => {
    const { id, text, source, verdict } = claim;
    const observed = observedIn(claim, verdict, experiment);
    const holdsWith = verdict === 'refuted' ? observedIn(claim, 'confirmed', experiment) : [];
    return {
      id,
      text,
      source,
      verdict,
      share: tally(claim),
      ...(observed.length > 0 && { observed }),
      ...(holdsWith.length > 0 && { holdsWith }),
    };
  });

/** Facts of a verdict, and values of each fact, that are shown at most. */
const mostFacts = 2;
const mostValues = 3;

/**
 * Returns the first facts that a claim read, with their values in the results of a verdict; with the number of results, where the
 * claim read a fact in some of them only.
 */
function observedIn(
  { observed = [], cells }: Pick<ClaimRecord, 'observed' | 'cells'>,
  verdict: Verdict,
  experiment: ExperimentRecord,
): ObservedFact[] {
  return observed
    .filter((each) => each.verdict === verdict)
    .slice(0, mostFacts)
    .map(({ fact, results, least, most, values = [], more = 0 }) => {
      const declared = declaredFact(fact, experiment);
      const where = results < cells[verdict] ? ` (in ${formatCount(results)} of ${formatCount(cells[verdict])})` : '';
      if (least !== undefined && most !== undefined)
        return { ...headOf(fact, experiment), is: `${formatRange(least, most, declared)}${where}` };
      const shown = values.slice(0, mostValues).map(({ value, results: own }) => {
        const text = formatFact(value, declared);
        return own === results ? text : `${text} ${formatCount(own)} ×`;
      });
      const left = values.length - shown.length + more;
      return {
        ...headOf(fact, experiment),
        is: `${[...shown, ...(left > 0 ? [`${formatCount(left)} more`] : [])].join(', ')}${where}`,
      };
    });
}

/** Why a claim is refuted or inconclusive, or several are for the same reason. */
export interface OpenClaims {
  readonly verdict: Verdict;
  readonly claims: readonly Pick<ClaimRecord, 'id' | 'text' | 'source'>[];
  /** The cells that refute or cannot decide one claim; absent where none does by itself. */
  readonly where?: Which;
  /** What these cells said, those with the same words together; of several claims what they have in common. */
  readonly reasons: readonly { readonly detail: string; readonly where: Which }[];
}

/** An experiment's claims that are not confirmed, and what decided that. */
export function openClaims(experiment: ExperimentRecord, cells: readonly CellGroup[]): OpenClaims[] {
  return openTogether(experiment.claims).map((same) => {
    const [claim] = same as [ClaimRecord];
    const told = same.map(({ id, text, source }) => ({ id, text, source }));
    if (same.length > 1) {
      const reasons = [{ detail: brief(runDetailParts(claim, experiment)), where: whichOf([], cells) }];
      return { verdict: claim.verdict, claims: told, reasons };
    }
    const found = cellsWith(cells, claim.id, claim.verdict).map(({ cell }) => cell);
    return {
      verdict: claim.verdict,
      claims: told,
      ...(found.length > 0 && { where: whichOf(found, cells) }),
      reasons: reasonsOf(claim, cells, experiment).map(({ detail, cells: own }) => ({
        detail,
        where: whichOf(own, cells),
      })),
    };
  });
}

/** A claim that the run refutes, wherever it is made. */
export interface Refuted extends Pick<ClaimRecord, 'id' | 'text'> {
  readonly experiment: string;
  /** The cells that refute it; absent where it is refuted by all together. */
  readonly where?: Which;
  /** In how many results it is refuted; absent where it is in each of the cells'. */
  readonly share?: string;
}

/** The claims of an experiment that the run refutes. */
export function refutedClaims({ id: experiment, claims }: ExperimentRecord, cells: readonly CellGroup[]): Refuted[] {
  return claims.flatMap((claim): Refuted[] => {
    if (claim.verdict !== 'refuted') return [];
    const { id, text } = claim;
    const found = cellsWith(cells, id, 'refuted').map(({ cell }) => cell);
    if (found.length === 0) return [{ experiment, id, text, share: tally(claim) }];
    const isWhole = claim.cells.confirmed + claim.cells.inconclusive === 0;
    return [{ experiment, id, text, where: whichOf(found, cells), ...(!isWhole && { share: tally(claim) }) }];
  });
}
