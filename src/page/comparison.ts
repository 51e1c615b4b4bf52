import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { pageFiles } from '../process/entry.ts';
import { replaceFile } from '../record/save.ts';
import type { CellRecord, Run, Verdict } from '../record/schema.ts';
import type { Comparison } from '../report/compare/comparison.ts';
import { kernelNames } from '../report/compare/known.ts';
import { keyOf } from '../report/compare/match.ts';
import { type Matrix, matrixOf } from '../report/compare/matrix.ts';
import { type Told, toldOf } from '../report/compare/told.ts';
import { drawnOf, isCounter, packedIn, rounded, withoutLadders } from './data.ts';
import { dataPlace, type PageRecord } from './parts.ts';
import { mostBytes } from './save.ts';

/** What a comparison's page is rendered from. */
export interface ComparisonInput {
  readonly told: Told;
  readonly matrix: Matrix;
  /** The runs as columns, in the order in which they stand. */
  readonly columns: readonly Column[];
  /** Claims with one verdict in all runs that have them. */
  readonly same: readonly SameClaim[];
  /** Cells whose results are drawn, by experiment. */
  readonly examples: ReadonlyMap<string, readonly CellExample[]>;
  readonly style: string;
  readonly script: string;
}

export interface Column {
  /** Its run's place among the compared ones. */
  readonly run: number;
  /** `A`. */
  readonly label: string;
  /** What no other has: the series of its kernel, or its label. */
  readonly title: string;
  readonly subtitle: string;
  /** The run's own page, from where the comparison's is; absent where there is none. */
  readonly href?: string;
}

export interface SameClaim {
  readonly experiment: string;
  readonly claim: string;
  readonly text: string;
  readonly verdict: Verdict;
}

/** A cell that differs, as it went in each run. */
export interface CellExample {
  readonly cell: string;
  /** Place of each run's record in the data; null where it has none. */
  readonly places: readonly (number | null)[];
  /** The cell in each run's own page. */
  readonly targets: readonly (string | null)[];
}

/** The record of one result in the data of a comparison's page. */
export interface ComparedRecord extends Pick<PageRecord, 'paths' | 'ends' | 'segments' | 'incarnations' | 'asides'> {
  readonly id: string;
  readonly f: CellRecord['facts'];
}

/** Cells of an experiment that are drawn. */
const mostExamples = 3;

/** A comparison as a page: one file that needs nothing else. `path` is where it will be. Throws NOT_MADE. */
export async function comparisonPage(comparison: Comparison, runs: readonly Run[], path: string): Promise<string> {
  const files = pageFiles();
  const { renderComparison } = createRequire(import.meta.url)(files.render) as {
    renderComparison: (input: ComparisonInput) => string;
  };
  const told = toldOf(comparison);
  const matrix = matrixOf(told);
  const { examples, records } = examplesOf(matrix, runs);
  const html = renderComparison({
    told,
    matrix,
    columns: columnsOf(told, runs, path),
    same: sameClaims(runs),
    examples,
    style: [files.style, files.comparisonStyle].map((file) => readFileSync(file, 'utf8')).join('\n'),
    script: readFileSync(files.comparisonScript, 'utf8'),
  });
  const data = await packedIn(mostBytes - Buffer.byteLength(html), {}, records, withoutLadders());
  return html.replace(dataPlace, () => data);
}

/**
 * Writes the page of a comparison.
 * @throws LingerlabError NOT_MADE, RUN_NOT_WRITABLE
 */
export async function saveComparison(comparison: Comparison, runs: readonly Run[], path: string): Promise<void> {
  await replaceFile(path, await comparisonPage(comparison, runs, path));
}

const byNumbers = new Intl.Collator('en', { numeric: true });

/** Runs of several kernels stand in the order of these, since a change of the kernel then is one line; others as they were named. */
export function columnsOf(
  { runs: compared }: Pick<Told, 'runs'>,
  runs: readonly Pick<Run, 'folder'>[],
  path: string,
): Column[] {
  const kernels = compared.map(({ kernel }) => kernel ?? '');
  const names = kernelNames(kernels);
  const areOfSeveral = new Set(kernels).size > 1;
  const columns = compared.map(({ label }, run): Column => {
    const title = names[run] ?? label;
    const folder = runs[run]?.folder ?? '';
    const page = join(folder, 'report.html');
    return {
      run,
      label,
      title,
      subtitle: title === label ? (areOfSeveral ? (kernels[run] ?? '') : basename(folder)) : label,
      ...(existsSync(page) && {
        href: relative(dirname(resolve(path)), resolve(page))
          .split(sep)
          .map(encodeURIComponent)
          .join('/'),
      }),
    };
  });
  return areOfSeveral
    ? columns.toSorted((a, b) => byNumbers.compare(kernels[a.run] ?? '', kernels[b.run] ?? '') || a.run - b.run)
    : columns;
}

/** Claims with one verdict in all runs that have them: two runs at least. */
export function sameClaims(runs: readonly Run[]): SameClaim[] {
  const verdicts = new Map<string, { readonly claim: SameClaim; readonly all: Verdict[] }>();
  for (const { run } of runs)
    for (const { id, claims } of run.experiments)
      for (const { id: claim, text, verdict } of claims) {
        const key = JSON.stringify([id, claim]);
        const known = verdicts.get(key) ?? { claim: { experiment: id, claim, text, verdict }, all: [] };
        known.all.push(verdict);
        verdicts.set(key, known);
      }
  return [...verdicts.values()].flatMap(({ claim, all }) => (all.length > 1 && new Set(all).size === 1 ? [claim] : []));
}

/** Of each experiment a few cells in which something differs, with a result of each run that has states or segments to draw. */
function examplesOf(
  { parts }: Matrix,
  runs: readonly Run[],
): { examples: Map<string, CellExample[]>; records: ComparedRecord[] } {
  const wanted = new Map<string, Set<string>>();
  for (const { kind, rows } of parts) {
    if (kind === 'measured' || kind === 'unstable') continue;
    for (const { experiment, cells } of rows) {
      const own = wanted.get(experiment) ?? new Set<string>();
      if (cells[0] !== undefined && own.size < mostExamples) own.add(cells[0]);
      wanted.set(experiment, own);
    }
  }
  const keys = new Map<string, string>();
  const results = runs.map(({ cells }) => {
    const first = new Map<string, CellRecord>();
    for (const cell of cells) {
      if (!wanted.has(cell.experiment)) continue;
      const key = keyOf(cell);
      if (wanted.get(cell.experiment)?.has(cell.id)) keys.set(cell.id, key);
      const isDrawn = Object.values(cell.paths).some((path) => path.length > 0) || (cell.segments?.length ?? 0) > 0;
      if (cell.status === 'ran' && isDrawn && !first.has(key)) first.set(key, cell);
    }
    return first;
  });
  const records: ComparedRecord[] = [];
  const examples = new Map<string, CellExample[]>();
  for (const [experiment, cells] of wanted) {
    const own = [...cells].flatMap((cell): CellExample[] => {
      const found = results.map((first) => first.get(keys.get(cell) ?? ''));
      if (found.every((each) => each === undefined)) return [];
      const places = found.map((each) => (each ? records.push(recordOf(each)) - 1 : null));
      return [{ cell, places, targets: found.map((each) => each?.id ?? null) }];
    });
    if (own.length > 0) examples.set(experiment, own);
  }
  return { examples, records };
}

const recordOf = (cell: CellRecord): ComparedRecord => ({
  ...drawnOf(cell),
  id: cell.id,
  f: Object.fromEntries(
    Object.entries(cell.facts).flatMap(([name, value]) => (isCounter(name) ? [] : [[name, rounded(value)] as const])),
  ),
});
