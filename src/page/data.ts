import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { Declaration, FactValue } from '../record/fact.ts';
import { changedBy } from '../record/lateness.ts';
import { cellFolder } from '../record/layout.ts';
import type { CellRecord, ExperimentRecord, Run } from '../record/schema.ts';
import { brief, cellDetailParts, lateText } from '../report/detail.ts';
import { declaredFact, gatherCells } from '../report/gather.ts';
import type { Guide } from '../report/guide/guide.ts';
import type { ExperimentView, Report } from '../report/model/report.ts';
import { reasonText } from '../report/reason.ts';
import { shownInJson } from '../text/visible.ts';
import { guideIndex } from './guide.ts';
import type { PageDeclaration, PageExperiment, PageIndex, PageRecord, PageResult } from './parts.ts';

const packed = promisify(deflate);

/** A ladder of more segments is left out first. */
const mostSegments = 24;

/** Something to leave out of data that is too large. */
interface Smaller<T> {
  /** What is then missing. */
  readonly left: string;
  readonly of: (record: T) => T;
}

type Laddered = Pick<PageRecord, 'segments' | 'asides' | 'incarnations'>;

/** What of ladders is left out where there is no room, step by step. */
export const withoutLadders = <T extends Laddered>(): Smaller<T>[] => [
  { left: '', of: (record) => record },
  {
    left: `Sequence diagrams of more than ${mostSegments} segments`,
    of: (record) => ((record.segments?.length ?? 0) > mostSegments ? withoutSegments(record) : record),
  },
  { left: 'All sequence diagrams', of: withoutSegments },
];

const smaller: readonly Smaller<PageRecord>[] = [
  ...withoutLadders<PageRecord>(),
  {
    left: 'All sequence diagrams, counters and calls',
    of: ({ counters: _counters, ends: _ends, ...record }) => withoutSegments(record),
  },
  { left: 'Everything but facts', of: ({ claims, files, folder }) => ({ claims, files, folder, paths: {} }) },
];

function withoutSegments<T extends Laddered>({
  segments: _segments,
  asides: _asides,
  incarnations: _own,
  ...rest
}: T): T {
  return rest as unknown as T;
}

/**
 * The data of a page as one block: deflated, in base64. Its first line is the index, each further line the record of one result, in the
 * order of the index. It takes no more than so many characters where leaving ladders and the like out helps.
 */
export async function dataOf(run: Run, report: Report, guide: Guide | undefined, room: number): Promise<string> {
  const { index, records } = pageData(run, report, guide);
  return packedIn(room, index, records, smaller);
}

/** An index and records as such a block. */
export async function packedIn<T>(
  room: number,
  index: object,
  records: readonly T[],
  steps: readonly Smaller<T>[],
): Promise<string> {
  let block = '';
  for (const { left, of } of steps) {
    const lines = [{ ...index, left }, ...records.map(of)].map((each) => shownInJson(JSON.stringify(each)));
    block = (await packed(lines.join('\n'), { level: 6 })).toString('base64');
    if (block.length <= room) break;
  }
  return block;
}

/** What a page's script knows: an index to search, and the record of each result, to draw. */
export function pageData(
  run: Run,
  report: Report,
  guide: Guide | undefined,
): { readonly index: PageIndex; readonly records: readonly PageRecord[] } {
  const records = recordsOf(run);
  const own = new Map(run.run.experiments.map((experiment) => [experiment.id, experiment]));
  const places = new Map(report.experiments.map(({ id }, place) => [id, place]));
  const shown = records.filter(({ experiment }) => places.has(experiment));
  const declarations = new Map<string, number>();
  const letters = new Map(report.experiments.map((view) => [view.id, lettersOf(view)]));
  const place = new Map(shown.map((record, index) => [`${record.id} ${record.repeat}`, index]));
  const index: PageIndex = {
    left: '',
    experiments: report.experiments.map((view) =>
      experimentOf(view, own.get(view.id) as ExperimentRecord, shown, declarations, place, report),
    ),
    declarations: [...declarations.keys()].map((each) => JSON.parse(each) as PageDeclaration),
    results: shown.map((record) =>
      resultOf(record, places.get(record.experiment) ?? 0, own.get(record.experiment) as ExperimentRecord, letters),
    ),
    ...(guide && { guide: guideIndex(guide, run, place) }),
  };
  return { index, records: shown.map((record) => recordOf(record, own.get(record.experiment) as ExperimentRecord)) };
}

/** What each result left, the cells that never came to one with the reason. */
function recordsOf(run: Run): CellRecord[] {
  const recorded = gatherCells(run).flatMap(({ id, ran, broken }) => {
    if (ran.length + broken.length > 0) return [...ran, ...broken];
    return run.cells.filter((cell) => cell.id === id).slice(-1);
  });
  const known = new Set(recorded.map(({ id }) => id));
  const aside = run.run.notRun.flatMap(({ id, reason, remedy }): CellRecord[] =>
    known.has(id)
      ? []
      : [
          {
            id,
            experiment: id.split('/')[0] ?? '',
            factors: {},
            repeat: 1,
            race: false,
            status: 'unsupported',
            reason: { message: reason, remedy },
            startedAt: '',
            seconds: 0,
            facts: {},
            unknown: {},
            paths: {},
            claims: [],
            warnings: [],
          },
        ],
  );
  return [...recorded, ...aside];
}

const lettersOf = ({ matrix }: ExperimentView): ReadonlyMap<string, string> =>
  new Map(
    matrix?.panels.flatMap(({ rows }) =>
      rows.flatMap(({ squares }) =>
        squares.flatMap((spots) => spots.map(({ cell, repeat, letter }) => [`${cell} ${repeat}`, letter] as const)),
      ),
    ),
  );

export const isCounter = (fact: string): boolean => fact.startsWith('counters.');

function experimentOf(
  view: ExperimentView,
  experiment: ExperimentRecord,
  records: readonly CellRecord[],
  declarations: Map<string, number>,
  place: ReadonlyMap<string, number>,
  { groups }: Report,
): PageExperiment {
  const { id, question, answer, claims, words } = view;
  const own = records.filter((record) => record.experiment === id);
  const names = new Set([...own.flatMap(({ facts }) => Object.keys(facts)), ...experiment.shows]);
  const declared = [...names].flatMap((name) => {
    const declaration = declaredFact(name, experiment);
    return declaration ? [[name, numbered(declarations, declaration)] as const] : [];
  });
  return {
    id,
    question,
    headline: answer.headline,
    group: groups.find(({ experiments }) => experiments.includes(id))?.name ?? '',
    ...(experiment.tags && { tags: experiment.tags }),
    factors: Object.fromEntries(Object.entries(experiment.factors).map(([name, values]) => [name, values.map(String)])),
    ...(words && { words }),
    shows: experiment.shows,
    declared: Object.fromEntries(declared),
    findings: answer.findings.map(({ number, text, cells }) => ({
      number,
      text,
      results: cells.flatMap((cell) => cell.repeats.flatMap((repeat) => place.get(`${cell.id} ${repeat}`) ?? [])),
    })),
    claims: claims.map((claim) => ({ id: claim.id, text: claim.text, source: claim.source, verdict: claim.verdict })),
  };
}

function numbered(declarations: Map<string, number>, { type, unit, compare, text }: Declaration): number {
  const key = JSON.stringify({
    type,
    compare,
    ...(unit !== undefined && { unit }),
    ...(text !== undefined && { text }),
  } satisfies PageDeclaration);
  const known = declarations.get(key) ?? declarations.size;
  declarations.set(key, known);
  return known;
}

function resultOf(
  record: CellRecord,
  experiment: number,
  { claims }: ExperimentRecord,
  letters: ReadonlyMap<string, ReadonlyMap<string, string>>,
): PageResult {
  const evidence = new Set(Object.values(record.paths).flatMap((path) => path.map((step) => step.evidence)));
  const letter = letters.get(record.experiment)?.get(`${record.id} ${record.repeat}`);
  return {
    e: experiment,
    id: record.id,
    n: record.repeat,
    s: record.status,
    ...(letter && { l: letter }),
    f: Object.fromEntries(
      Object.entries(record.facts).flatMap(([name, value]) =>
        isCounter(name) ? [] : [[name, rounded(value)] as const],
      ),
    ),
    ...(record.roles && { roles: record.roles }),
    c: record.claims.map(({ id, verdict }) => [claims.findIndex((claim) => claim.id === id), verdict] as const),
    ev: [...evidence],
    ...(record.warnings.length > 0 && { w: record.warnings.map(({ code }) => code) }),
    ...(record.race && { race: true }),
  };
}

/** More digits than any text shows. */
const digits = 6;

/** A number as it is shown: a measured time of nine digits is two thirds noise, which no packing makes smaller. */
export function rounded(value: FactValue | null): FactValue | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  if (Array.isArray(value) && typeof value[0] === 'number') return value.map((each) => rounded(each) as number);
  return value;
}

/** Times of a result count from here, ns since the run's origin: fewer digits. */
const originOf = ({ paths, segments = [], ends = {} }: CellRecord): number =>
  Math.min(
    ...Object.values(paths).flatMap((path) => path.map(({ at, notBefore = at }) => Math.min(at, notBefore))),
    ...segments.map(({ t }) => t),
    ...Object.values(ends).flatMap(({ calls = [], looks = [] }) => [...calls, ...looks].map(({ t }) => t)),
  );

/** Everything that {@link PageRecord} draws, with times from the result's own beginning; what no drawing shows is left out. */
export function drawnOf(
  record: CellRecord,
): Pick<PageRecord, 'paths' | 'ends' | 'segments' | 'incarnations' | 'asides'> {
  const origin = originOf(record);
  const since = <T extends number | undefined>(t: T): T => (t === undefined ? t : Math.round(t - origin)) as T;
  const later = <T extends { readonly t: number }>(each: T): T => ({ ...each, t: since(each.t) });
  const until = <T extends { readonly t: number }>(each: T): T =>
    'until' in each && typeof each.until === 'number' ? { ...later(each), until: since(each.until) } : later(each);
  const { paths, ends, segments, incarnations, asides } = record;
  return {
    paths: Object.fromEntries(
      Object.entries(paths).map(([end, path]) => [
        end,
        path.map((step) => ({
          ...step,
          at: since(step.at),
          ...(step.notBefore !== undefined && { notBefore: since(step.notBefore) }),
        })),
      ]),
    ),
    ...(ends && {
      ends: Object.fromEntries(
        Object.entries(ends).map(([end, { calls, looks, ...rest }]) => [
          end,
          { ...rest, ...(calls && { calls: calls.map(later) }), ...(looks && { looks: looks.map(until) }) },
        ]),
      ),
    }),
    ...(segments && {
      segments: segments.map(({ options: _options, ...segment }) => ({
        ...later(segment),
        ...(segment.arrived !== undefined && { arrived: since(segment.arrived) }),
      })),
    }),
    ...(incarnations && { incarnations }),
    ...(asides && { asides: asides.map(until) }),
  };
}

function recordOf(record: CellRecord, experiment: ExperimentRecord): PageRecord {
  const late = record.late && changedBy(record.late);
  const counters = Object.entries(record.facts).filter(([name]) => isCounter(name));
  return {
    ...drawnOf(record),
    ...(counters.length > 0 && { counters: Object.fromEntries(counters) }),
    ...(Object.keys(record.unknown).length > 0 && {
      unknown: Object.fromEntries(Object.entries(record.unknown).map(([name, { text }]) => [name, text])),
    }),
    claims: record.claims.map(({ detail }) => brief(cellDetailParts(detail, experiment))),
    ...(record.warnings.length > 0 && { warnings: record.warnings }),
    ...(record.status !== 'ran' && { reason: reasonText(record) }),
    ...(late && { late: lateText(late) }),
    folder: cellFolder('.', record.id, record.repeat),
    files: record.files ?? [],
  };
}
