import { verdictMarks } from '../model/claims.ts';
import { someOf, type Which, whichText } from '../which-cells.ts';
import type { Flip } from './comparison.ts';
import type { AlikeIn, Told, ToldDifference, ToldExperiment, ToldMeasurement, ToldRace, ToldVerdict } from './told.ts';

/** What differs between runs, a row each, by what kind of thing it is; values are in the order of the comparison's runs. */
export interface Matrix {
  readonly parts: readonly MatrixPart[];
}

export type RowKind = 'claim' | 'cell' | 'fact' | 'race' | 'measured' | 'unstable' | 'flip';

export interface MatrixPart {
  readonly kind: RowKind;
  readonly rows: readonly MatrixRow[];
}

export interface MatrixRow {
  readonly experiment: string;
  /** A fact, or the ids of claims. */
  readonly name: string;
  /** Of a claim: what it says. */
  readonly text?: string;
  readonly values: readonly string[];
  /** A key for each run: equal for runs that do not differ, null where a run has nothing to compare. */
  readonly alikeIn: AlikeIn;
  /** In which cells, and how the values were told apart; between backticks what is code. */
  readonly note: string;
  /** `new`, `known since Linux 6.1`, or empty. */
  readonly mark: string;
  /** Cells in which it shows, by their ids in the first run that has them. */
  readonly cells: readonly string[];
  /** Of a claim: what each run's verdict rests on. */
  readonly details?: readonly (string | null)[];
}

/** A run that has nothing to compare. */
const nothing = '–';

const code = (text: string): string => `\`${text}\``;

/** Makes the matrix of a comparison: claims first, and in each part what no known change of the kernel explains. */
export function matrixOf({ experiments, runs, again }: Told): Matrix {
  const labels = runs.map(({ label }) => label);
  const all = (of: (experiment: ToldExperiment) => MatrixRow[]): MatrixRow[] => experiments.flatMap(of);
  const differences = all(({ id, behaviour }) => behaviour.map((each) => differenceRow(id, each)));
  const parts: MatrixPart[] = [
    { kind: 'claim', rows: all(({ id, verdicts }) => verdicts.map((each) => claimRow(id, each))) },
    { kind: 'cell', rows: differences.filter(({ name }) => name === 'cell') },
    { kind: 'fact', rows: differences.filter(({ name }) => name !== 'cell') },
    { kind: 'race', rows: all(({ id, races }) => races.map((each) => raceRow(id, each))) },
    { kind: 'measured', rows: all(({ id, performance }) => measuredRows(id, performance, labels)) },
    {
      kind: 'unstable',
      rows: all(({ id, unstable }) =>
        unstable.map(({ fact, run, cells }) => ({
          experiment: id,
          name: fact,
          values: labels.map((label) => (label === run ? 'varied' : nothing)),
          alikeIn: labels.map((label) => (label === run ? 'varied' : null)),
          note: `in ${someOf(cells, code, 2)}`,
          mark: '',
          cells,
        })),
      ),
    },
    { kind: 'flip', rows: flipRows(again?.flips ?? [], labels) },
  ];
  const newFirst = (rows: readonly MatrixRow[]): MatrixRow[] =>
    rows.toSorted((a, b) => Number(b.mark === 'new') - Number(a.mark === 'new'));
  return { parts: parts.flatMap(({ kind, rows }) => (rows.length > 0 ? [{ kind, rows: newFirst(rows) }] : [])) };
}

function claimRow(experiment: string, { claims, text, verdicts, details, mark }: ToldVerdict): MatrixRow {
  return {
    experiment,
    name: claims.join(', '),
    ...(text !== undefined && { text }),
    values: verdicts.map((verdict) => (verdict ? `${verdictMarks[verdict]} ${verdict}` : nothing)),
    alikeIn: verdicts,
    note: '',
    mark,
    cells: [],
    ...(details && { details }),
  };
}

const differenceRow = (
  experiment: string,
  { fact, values, alikeIn, where, how, alike, mark }: ToldDifference,
): MatrixRow => ({ experiment, name: fact, values, alikeIn, note: noteOf(where, how, alike), mark, cells: where.ids });

const raceRow = (experiment: string, { fact, values, alikeIn, where, how, alike, mark }: ToldRace): MatrixRow => ({
  experiment,
  name: fact,
  values,
  alikeIn,
  note: noteOf(where, how, alike),
  mark,
  cells: where.ids,
});

function noteOf(where: Which, how: string, alike: readonly string[]): string {
  const also = alike.length === 0 ? '' : `the same for ${someOf(alike, code, 2)}`;
  const said = [how, also].filter(Boolean).join('; ');
  return `in ${whichText(where, code, 2)}${said === '' ? '' : ` (${said})`}`;
}

/** Measured facts of a cell: the first run beside each one that differs from it. */
function measuredRows(
  experiment: string,
  measured: readonly ToldMeasurement[],
  labels: readonly string[],
): MatrixRow[] {
  const groups = Map.groupBy(measured, ({ fact, cell, runs }) => JSON.stringify([fact, cell, runs[0]]));
  return [...groups.values()].map((own) => {
    const [{ fact, cell, runs, medians }] = own as [ToldMeasurement];
    const others = new Map(own.map((each) => [each.runs[1], each]));
    return {
      experiment,
      name: fact,
      values: labels.map((label) => {
        const other = others.get(label);
        return other ? `${other.medians[1]} (${other.change})` : label === runs[0] ? medians[0] : nothing;
      }),
      alikeIn: labels.map((label) => (others.has(label) || label === runs[0] ? label : null)),
      note: `in ${code(cell)} (${own.map((each) => `${each.runs.join(' → ')}: ${each.significance}`).join('; ')})`,
      mark: '',
      cells: [cell],
    };
  });
}

/** What came out otherwise when a cell ran again. */
function flipRows(flips: readonly Flip[], labels: readonly string[]): MatrixRow[] {
  const groups = Map.groupBy(flips, ({ experiment, cell, fact }) => JSON.stringify([experiment, cell, fact]));
  return [...groups.values()].map((own) => {
    const [{ experiment, cell, fact = 'cell' }] = own as [Flip];
    const byRun = new Map(own.map((flip) => [flip.run, flip]));
    return {
      experiment,
      name: fact,
      values: labels.map((label) => {
        const flip = byRun.get(label);
        return flip ? `${flip.first}, then ${flip.again}` : nothing;
      }),
      alikeIn: labels.map((label) => (byRun.has(label) ? label : null)),
      note: `in ${code(cell)}`,
      mark: '',
      cells: [cell],
    };
  });
}
