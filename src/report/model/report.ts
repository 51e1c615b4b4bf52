import { type Parts, partsOf } from '../../facts/roles.ts';
import { formatFact } from '../../facts/values.ts';
import type { Declaration } from '../../record/fact.ts';
import type { Environment, ExperimentRecord, Run, RunRecord, Verdict } from '../../record/schema.ts';
import {
  type CellGroup,
  declaredFact,
  environmentOf,
  factOf,
  gatherCells,
  hzOf,
  type Planned,
  plannedIn,
  whyUnknown,
} from '../gather.ts';
import { type Which, whichOf } from '../which-cells.ts';
import { type AnswerView, answerOf } from './answer.ts';
import { type ClaimView, claimViews, type OpenClaims, openClaims, type Refuted, refutedClaims } from './claims.ts';
import { type Paths, pathsOf } from './courses.ts';
import { shownFacts } from './fact-table.ts';
import { type FactsView, factsOf } from './facts.ts';
import { type Load, loadOf } from './load.ts';
import { type Losses, lossesOf } from './losses.ts';
import { type Matrix, matrixOf } from './matrix.ts';
import { countVerdicts, type Overview, overviewOf, type ReasonGroup, setting } from './overview.ts';
import { type Rests, restsOf } from './rests.ts';

/**
 * Everything that a report shows, as plain data: what is grouped, counted, tested and chosen is so here, and a renderer only
 * escapes it and lays it out.
 */
export interface Report {
  readonly run: RunView;
  /** The machine and the program in a few words, most telling first. */
  readonly setting: readonly string[];
  readonly overview: Overview;
  readonly refuted: readonly Refuted[];
  /** In the order of the run. */
  readonly experiments: readonly ExperimentView[];
  /** Their groups, in the order of the run; the name is empty where experiments have none. */
  readonly groups: readonly GroupView[];
}

/** Experiments that belong together. */
export interface GroupView {
  readonly name: string;
  readonly experiments: readonly string[];
  /** Of the experiment that stands for the group; absent: none of them has one, or an older version wrote the run. */
  readonly headline?: { readonly text: string; readonly experiment: string };
}

/** Where, when and how a run ran. */
export interface RunView extends Pick<RunRecord, 'status' | 'tool'> {
  /** The command line as it was typed, with the program's own name. */
  readonly command: readonly string[];
  readonly sessions: readonly Pick<RunRecord['sessions'][number], 'startedAt' | 'finishedAt'>[];
  /** What its last session saw of the machine. */
  readonly environment?: Environment;
  /** The kernel's settings in a fresh namespace, by name. */
  readonly settings: readonly Setting[];
}

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** Of one that is set in every lab: what the kernel had made of it. */
  readonly own?: string;
  /** What lingerlab sets there, where the kernel refused it. */
  readonly refused?: string;
  /** The user asked for it. */
  readonly isAsked?: true;
}

/** One experiment. */
export interface ExperimentView {
  readonly id: string;
  readonly question: string;
  readonly answer: AnswerView;
  /** Of each finding the results that it rests on. */
  readonly rests: readonly Rests[];
  /** What each factor and its values mean, where the experiment says. */
  readonly words?: ExperimentRecord['words'];
  /** Its file, where it is the user's own. */
  readonly file?: string;
  /** It has results, and none of a cell that ran. */
  readonly isSilent: boolean;
  /** Of one that measures throughput; its report has this instead of a table of facts. */
  readonly load?: Load;
  readonly facts: FactsView;
  /** What the columns of its table say. */
  readonly columns: readonly Described[];
  readonly claims: readonly ClaimView[];
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Why claims are refuted or inconclusive. */
  readonly open: readonly OpenClaims[];
  readonly errored: readonly NotRun[];
  readonly unsupported: readonly NotRun[];
  readonly unknown: readonly Unknown[];
  readonly options: readonly OptionsSet[];
  readonly losses?: Losses;
  readonly paths?: Paths;
  /** Every result in a grid; absent for a load, whose results are drawn as dots. */
  readonly matrix?: Matrix;
}

/** Cells that did not run for one reason. */
export interface NotRun {
  readonly where: Which;
  readonly reason: string;
  readonly remedy?: string;
}

/** A shown fact that cells do not know for one reason. */
export interface Unknown {
  readonly fact: string;
  readonly where: Which;
  readonly why: string;
}

/** Socket options that the scenario set, in the cells that set just these. */
export interface OptionsSet {
  readonly fact: string;
  readonly where: Which;
  readonly set: string;
}

/** What a fact says, and how it is compared between runs. */
export interface Described extends Partial<Pick<Declaration, 'text' | 'label' | 'compare' | 'resolution' | 'unit'>> {
  readonly name: string;
}

const made = new WeakMap<Run, Report>();

/** The report of a run, from what its folder holds and nothing else; made once of each. */
export function reportOf(run: Run): Report {
  const report = made.get(run) ?? makeReport(run);
  made.set(run, report);
  return report;
}

function makeReport(run: Run): Report {
  const all = gatherCells(run);
  const overview = overviewOf(run, all);
  const { experiments } = run.run;
  const cells = Map.groupBy(all, ({ experiment }) => experiment);
  const planned = Map.groupBy(plannedIn(run), ({ experiment }) => experiment);
  const of = ({ id }: ExperimentRecord): readonly CellGroup[] => cells.get(id) ?? [];
  return {
    run: runView(run),
    setting: setting(run),
    overview,
    refuted: experiments.flatMap((experiment) => refutedClaims(experiment, of(experiment))),
    experiments: experiments.map((experiment) =>
      experimentView(experiment, run, {
        cells: of(experiment),
        planned: planned.get(experiment.id) ?? [],
        overview,
      }),
    ),
    groups: run.run.groups.map(({ title, experiments: own, headline }) => ({
      name: title,
      experiments: own,
      ...(headline && { headline }),
    })),
  };
}

function runView(run: Run): RunView {
  const { status, tool, argv, sessions } = run.run;
  const environment = environmentOf(run);
  return {
    status,
    tool,
    command: argv.length === 0 || argv[0] === 'lingerlab' ? argv : ['lingerlab', ...argv],
    sessions: sessions.map(({ startedAt, finishedAt }) => ({ startedAt, finishedAt })),
    ...(environment && { environment }),
    settings: settingsOf(environment),
  };
}

function settingsOf({ pinned = {}, sysctls = {} }: Partial<Environment> = {}): Setting[] {
  const set = Object.fromEntries(Object.entries(pinned).map(([name, each]) => [name, each.set]));
  return Object.entries({ ...set, ...sysctls })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const { own, refused, asked } = pinned[name] ?? {};
      return {
        name,
        value,
        ...(own !== undefined && { own }),
        ...(refused !== undefined && { refused }),
        ...(asked !== undefined && { isAsked: true as const }),
      };
    });
}

function experimentView(
  experiment: ExperimentRecord,
  run: Run,
  { cells, planned, overview }: { cells: readonly CellGroup[]; planned: readonly Planned[]; overview: Overview },
): ExperimentView {
  const { id, question, claims, file, builtin, words } = experiment;
  const { view: facts, outcomes, isSmall } = factsOf(experiment, cells, hzOf(run));
  const load = loadOf(experiment, cells);
  const losses = lossesOf(experiment, facts.facts, cells);
  const paths = pathsOf(cells, isSmall ? undefined : outcomes);
  const unsupported = new Set(overview.unsupported.flatMap((each) => each.cells));
  const matrix = load ? undefined : matrixOf(Object.keys(experiment.factors), planned, cells, outcomes, unsupported);
  const answer = answerOf(experiment);
  return {
    id,
    question,
    answer,
    rests: answer.findings.map((finding) => restsOf(finding, cells)),
    ...(words && { words }),
    ...(!builtin && { file }),
    isSilent: cells.length > 0 && cells.every(({ ran }) => ran.length === 0),
    ...(load && { load }),
    facts,
    columns: columnsOf(experiment),
    claims: claimViews(experiment),
    verdicts: countVerdicts(claims),
    open: openClaims(experiment, cells),
    errored: notRunOf(overview.errored, planned),
    unsupported: notRunOf(overview.unsupported, planned),
    unknown: unknownOf(facts.facts, cells),
    options: optionsSet(cells),
    ...(losses && { losses }),
    ...(paths && { paths }),
    ...(matrix && { matrix }),
  };
}

const notRunOf = (reasons: readonly ReasonGroup[], all: readonly Planned[]): NotRun[] =>
  reasons.flatMap(({ cells, reason, remedy }) => {
    const own = all.filter(({ id }) => cells.includes(id));
    return own.length === 0 ? [] : [{ where: whichOf(own, all), reason, ...(remedy && { remedy }) }];
  });

/** Why shown facts are unknown, the cells of each reason together. */
function unknownOf(facts: readonly string[], cells: readonly CellGroup[]): Unknown[] {
  const all = facts.flatMap((fact) =>
    cells.flatMap((cell) => {
      const without = cell.ran.find((record) => factOf(record, fact) === null);
      return without ? [{ fact, cell, why: whyUnknown(without, fact) ?? 'no reason was recorded' }] : [];
    }),
  );
  return [...Map.groupBy(all, ({ fact, why }) => JSON.stringify([fact, why])).values()].map((group) => {
    const [{ fact, why }] = group as [(typeof all)[number]];
    const own = group.map(({ cell }) => cell);
    return { fact, where: whichOf(own, cells), why };
  });
}

const isOptions = ({ of, own }: Parts): boolean => of === 'end' && own === 'options';

/** The options that scenarios set, the cells of each set together. */
function optionsSet(cells: readonly CellGroup[]): OptionsSet[] {
  const all = cells.flatMap((cell) =>
    Object.entries(cell.ran[0]?.facts ?? {})
      .filter(([fact]) => fact.endsWith('.options') && isOptions(partsOf(fact)))
      .map(([fact, value]) => ({ fact, cell, set: formatFact(value) })),
  );
  return [...Map.groupBy(all, ({ fact, set }) => JSON.stringify([fact, set])).values()].map((group) => {
    const [{ fact, set }] = group as [(typeof all)[number]];
    return {
      fact,
      set,
      where: whichOf(
        group.map(({ cell }) => cell),
        cells,
      ),
    };
  });
}

/** What each fact that an experiment shows says. */
const columnsOf = (experiment: ExperimentRecord): Described[] =>
  shownFacts(experiment).map((name) => ({ name, ...describedBy(declaredFact(name, experiment)) }));

function describedBy(declared: Declaration | undefined): Omit<Described, 'name'> {
  if (!declared) return {};
  const { text, label, compare, resolution, unit } = declared;
  return {
    compare,
    ...(text !== undefined && { text }),
    ...(label !== undefined && { label }),
    ...(resolution !== undefined && { resolution }),
    ...(unit !== undefined && { unit }),
  };
}

/** How a fact is compared between runs. */
export function comparedHow({ compare, resolution, unit }: Described): string {
  if (compare === undefined) return 'undeclared';
  if (compare === 'exact') return 'compared exactly';
  if (compare === 'race') return 'compared as a distribution over repeats';
  if (compare === 'measurement') return 'measured: the median over repeats, compared by statistics only';
  const within =
    resolution === 'timer' ? "one slot of the kernel's timer wheel" : `${resolution ?? 0} ${unit ?? ''}`.trim();
  return `the median over repeats, the same within ${within}`;
}
