import type { CellGroup, Planned } from '../gather.ts';
import type { Outcomes } from './outcomes.ts';

type Value = string | number | boolean;

/** One result in its place: its outcome's letter; a cell without results has one spot that says why. */
export interface Spot {
  readonly cell: string;
  readonly repeat: number;
  /** Empty where it did not run. */
  readonly letter: string;
  readonly status: 'ran' | 'unsupported' | 'errored' | 'missing';
}

/** Every result of an experiment, by two factors, those that tell most outcomes apart; further ones are facets. */
export interface Matrix {
  /** Factors across and down; absent: there are fewer that vary. */
  readonly across?: string;
  readonly down?: string;
  readonly facets: readonly string[];
  /** Factors whose values share a square: their results stand side by side in it. */
  readonly within: readonly string[];
  readonly columns: readonly Value[];
  readonly panels: readonly {
    /** Of the facets. */
    readonly values: readonly Value[];
    readonly rows: readonly { readonly value?: Value; readonly squares: readonly (readonly Spot[])[] }[];
  }[];
}

/** More panels are a list. */
const mostPanels = 8;
/** More columns do not fit beside each other. */
const mostColumns = 8;

/** Lays out an experiment's planned cells with their results. */
export function matrixOf(
  factors: readonly string[],
  planned: readonly Planned[],
  cells: readonly CellGroup[],
  outcomes: Outcomes,
  unsupported: ReadonlySet<string> = new Set(),
): Matrix | undefined {
  if (planned.length === 0) return undefined;
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const valuesOf = (factor: string): Value[] => [...new Set(planned.flatMap((cell) => cell.factors[factor] ?? []))];
  const lettersOf = ({ id }: Planned): string =>
    (byId.get(id)?.ran ?? [])
      .map((record) => outcomes.letterOf.get(record) ?? '')
      .sort()
      .join();
  const varying = factors.filter((factor) => valuesOf(factor).length > 1);
  const telling = varying
    .map((factor) => ({ factor, share: shareOf(factor, varying, planned, lettersOf) }))
    .toSorted((a, b) => b.share - a.share);
  const chosen = telling.slice(0, 2).map(({ factor }) => factor);
  const [across, down] = chosen.toSorted((a, b) => fitness(valuesOf(a).length) - fitness(valuesOf(b).length));
  const facets: string[] = [];
  for (const { factor, share } of telling.slice(2)) {
    const panels = [...facets, factor].reduce((product, each) => product * valuesOf(each).length, 1);
    if (share > 0 && panels <= mostPanels) facets.push(factor);
  }
  const shown = varying.filter((factor) => facets.includes(factor));
  const panels = [...Map.groupBy(planned, (cell) => JSON.stringify(shown.map((factor) => cell.factors[factor])))];
  const columns = across === undefined ? [''] : valuesOf(across);
  return {
    ...(across !== undefined && { across }),
    ...(down !== undefined && { down }),
    facets: shown,
    within: varying.filter((factor) => factor !== across && factor !== down && !shown.includes(factor)),
    columns: across === undefined ? [] : columns,
    panels: panels.map(([, own]) => ({
      values: shown.map((factor) => own[0]?.factors[factor] ?? ''),
      rows: (down === undefined ? [undefined] : valuesOf(down)).flatMap((value) => {
        const row = own.filter((cell) => down === undefined || cell.factors[down] === value);
        if (row.length === 0) return [];
        const squares = columns.map((column) =>
          row
            .filter((cell) => across === undefined || cell.factors[across] === column)
            .flatMap((cell) => spotsOf(cell, byId.get(cell.id), outcomes, unsupported)),
        );
        return [{ ...(value !== undefined && { value }), squares }];
      }),
    })),
  };
}

/** The factor with the most values that still fit beside each other is across. */
const fitness = (values: number): number => (values <= mostColumns ? -values : values);

/** Of cells that differ in this factor alone, the share of pairs that come to different outcomes. */
function shareOf(
  factor: string,
  varying: readonly string[],
  planned: readonly Planned[],
  lettersOf: (cell: Planned) => string,
): number {
  const others = varying.filter((other) => other !== factor);
  const alike = Map.groupBy(planned, (cell) => JSON.stringify(others.map((other) => cell.factors[other])));
  let pairs = 0;
  let different = 0;
  for (const group of alike.values()) {
    const letters = group.map(lettersOf).filter((each) => each !== '');
    for (const [index, own] of letters.entries())
      for (const other of letters.slice(index + 1)) {
        pairs += 1;
        if (own !== other) different += 1;
      }
  }
  return pairs === 0 ? 0 : different / pairs;
}

function spotsOf(
  { id }: Planned,
  cell: CellGroup | undefined,
  { letterOf }: Outcomes,
  unsupported: ReadonlySet<string>,
): Spot[] {
  const ran = (cell?.ran ?? []).map(
    (record): Spot => ({ cell: id, repeat: record.repeat, letter: letterOf.get(record) ?? '', status: 'ran' }),
  );
  if (cell?.status === 'ran') return ran;
  return [
    ...ran,
    { cell: id, repeat: 0, letter: '', status: cell?.status ?? (unsupported.has(id) ? 'unsupported' : 'missing') },
  ];
}
