import type { Kind } from '../facts/kinds.ts';
import type { RoleFact } from '../facts/roles.ts';
import type { FactsOf, LoadFactsOf } from '../facts/table.ts';
import type { Against } from '../stats/against.ts';
import type { Network } from '../tcp/network.ts';
import type { End } from '../tcp/states.ts';
import type { Conclusion } from './finding.ts';
import type { RateStatement, Statement } from './guide.ts';
import type { LoadStage, Stage, WithoutWire } from './stage.ts';
import type { Wire } from './wire.ts';

export type FactorValue = string | number | boolean;
export type Factors = Readonly<Record<string, readonly FactorValue[]>>;
/** One combination of factor values. */
export type Cell<F extends Factors> = { readonly [K in keyof F]: F[K][number] };
/** A cell's id from its factors, in their order. */
export function cellId(experiment: string, factors: Readonly<Record<string, FactorValue>>): string {
  const pairs = Object.entries(factors).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? experiment : `${experiment}/${pairs.join(',')}`;
}

/**
 * What not every machine has: a second user to be (capability of `doctor`: `otherUser`), a kernel whose settings no other program depends
 * on (a guest of `kernels`), a program on the PATH (`program:python3`).
 */
export type Need = 'another-user' | 'own-kernel' | `program:${string}`;

/** A statement about the facts of one cell. */
export interface Claim<CellOf, Facts> {
  readonly id: string;
  readonly text: string;
  /** RFC section, kernel function, article: where the statement comes from. */
  readonly source: string;
  /** The cells it speaks of; all where absent. */
  readonly when?: (cell: CellOf) => boolean;
  readonly holds: (facts: Facts, cell: CellOf) => boolean;
}

/** A cell that ran, with its facts. Reading a fact that was not observed makes the reader's verdict inconclusive. */
export interface Outcome<CellOf, Facts> {
  readonly cell: CellOf;
  readonly repeat: number;
  readonly facts: Facts;
}

/** What types the facts and the cells of an experiment: these fields of its definition. */
interface Asked {
  readonly factors: Factors;
  readonly connections?: readonly string[];
  readonly measures?: Measures;
}
type Labels<A> = A extends { readonly connections: infer C extends readonly string[] } ? C : readonly [];
type Own<A> = A extends { readonly measures: infer M extends Measures } ? M : Record<never, never>;

/**
 * The outcome of an experiment: `OutcomeOf<typeof asked>`, of a constant with the `factors`, `connections` and `measures` of its
 * definition, for the functions that the definition itself calls; or of what `experiment()` and `loadExperiment()` returned.
 */
export type OutcomeOf<A extends Asked | Experiment> =
  A extends Experiment<AnyDefinition, infer O>
    ? O
    : A extends Asked
      ? Outcome<Cell<A['factors']>, FactsOf<Labels<A>, Own<A>>>
      : never;

/** A statement about all cells of an experiment together. */
export interface AcrossClaim<CellOf, Facts> extends Across<CellOf, Facts> {
  /** `undefined`: what ran does not decide it. */
  readonly holds: (outcomes: readonly Outcome<CellOf, Facts>[]) => boolean | undefined;
}

/** A statement about all cells of a load experiment together. */
export interface LoadAcrossClaim<CellOf, Facts> extends Across<CellOf, Facts> {
  /** Given each cell's comparison with its baseline, too. `undefined`: what ran does not decide it. */
  readonly holds: (
    outcomes: readonly Outcome<CellOf, Facts>[],
    compared: readonly Compared<CellOf>[],
  ) => boolean | undefined;
}

interface Across<CellOf, Facts> {
  readonly id: string;
  readonly text: string;
  readonly source: string;
  /** The outcomes it speaks of, and is given; all where absent. Where there is none of them it is inconclusive. */
  readonly when?: (outcome: Outcome<CellOf, Facts>) => boolean;
}

/** What experiments of either kind declare. */
interface Question<F extends Factors, M extends Measures, N extends Network, Facts> {
  /** Lower-case words joined by hyphens. */
  readonly id: string;
  readonly question: string;
  /** Words of the field that it is about: states, options, sysctls, errno names. `lingerlab list WORD` searches them. */
  readonly tags?: readonly string[];
  /** Phrases that a person types who sees such a problem: `close() blocks`. `lingerlab list WORD` searches them. */
  readonly symptoms?: readonly string[];
  /** The heading under which reports gather experiments. Those that come with the program have the one of their folder. */
  readonly group?: string;
  readonly factors: F;
  /** What the factors and their values mean, for readers of a report who do not know the scenario. */
  readonly words?: FactorWords<NoInfer<F>>;
  /**
   * `true`: it is not part of the default matrix, and runs where a pattern names it. A function: cells that `--all` runs only with
   * a pattern or a `--where` that names values of factors.
   */
  readonly whenNamed?: boolean | ((cell: NoInfer<Cell<F>>) => boolean);
  /** Which combinations of values are cells; default all. The others would ask nothing, or nothing new. */
  readonly valid?: (cell: NoInfer<Cell<F>>) => boolean;
  /** The default matrix; the other cells run with `--all`. */
  readonly only?: (cell: NoInfer<Cell<F>>) => boolean;
  /** Default `loopback`; before the scenario, which has a wire where this may be `wire`. */
  readonly network?: N | ((cell: NoInfer<Cell<F>>) => N);
  /** Bytes of the largest packet on a `wire`, or between the router and the server of `routed`, from 1280, the least that IPv6 takes, to 65535. Default 1500. */
  readonly mtu?: number | ((cell: NoInfer<Cell<F>>) => number);
  /** A value of `undefined` leaves the sysctl as it is. */
  readonly sysctls?: (cell: NoInfer<Cell<F>>) => Readonly<Record<string, string | number | undefined>>;
  /** What the cell cannot run without: where it is missing, the cell is unsupported. */
  readonly needs?: (cell: NoInfer<Cell<F>>) => readonly Need[];
  /** Expected seconds of a cell; its deadline is three times that plus ten. Default 1. */
  readonly seconds?: number | ((cell: NoInfer<Cell<F>>) => number);
  /** Facts of the experiment's own, set by `note(name, value)`. */
  readonly measures?: M;
  readonly claims: readonly Claim<NoInfer<Cell<F>>, NoInfer<Facts>>[];
  /** Sentences of the tuning guide that rest on its cells. */
  readonly guide?: readonly Statement<NoInfer<Cell<F>>, Outcome<NoInfer<Cell<F>>, NoInfer<Facts>>>[];
}

/** A text for each factor, and for each of its values: `{ closes: { text: 'which end closes first', values: { both: '…' } } }`. */
export type FactorWords<F extends Factors> = {
  readonly [K in keyof F]?: {
    readonly text: string;
    readonly values: { readonly [V in F[K][number] as `${V}`]?: string };
  };
};

type Measures = Readonly<Record<string, Kind<unknown>>>;
type StageOn<S extends { readonly wire: Wire }, N> = 'wire' extends N ? S : WithoutWire<S>;
type Shown<C extends readonly string[], M> = keyof FactsOf<C, M> & string;

/** One question, its factors, what the peers do in each cell, and what is claimed of the facts. */
export interface Definition<
  F extends Factors,
  C extends readonly string[] = readonly [],
  M extends Measures = Record<never, never>,
  R extends string = never,
  N extends Network = 'loopback',
> extends Question<F, M, N, FactsOf<C, M>> {
  /** Its timings need the machine to itself: such cells run one at a time, before all others; only others of them, and some that wait out TIME-WAIT, wait meanwhile. */
  readonly quiet?: boolean | ((cell: NoInfer<Cell<F>>) => boolean);
  /** The client and the server are processes that have played in no other cell: the question is how a process begins or ends. */
  readonly freshPeers?: true;
  /** The cell's outcome is a race: its facts are compared as distributions over this many repeats. */
  readonly race?: (cell: NoInfer<Cell<F>>) => number | false;
  /** Labels, where a cell has several connections: `['old', 'new']` gives facts `old.client.path`. */
  readonly connections?: C;
  readonly scenario: (stage: StageOn<Stage<C, M>, NoInfer<N>>, cell: Cell<F>) => Promise<void>;
  readonly across?: readonly AcrossClaim<NoInfer<Cell<F>>, NoInfer<FactsOf<C, M>>>[];
  /** The conclusion, made from facts; or its headline alone. */
  readonly answer: (outcomes: readonly Outcome<NoInfer<Cell<F>>, NoInfer<FactsOf<C, M>>>[]) => Conclusion | string;
  /** What ends are called by what they do, where either may do it: `{ closing: ({ closer }) => closer }`. */
  readonly roles?: { readonly [K in R]: (cell: NoInfer<Cell<F>>) => End };
  /**
   * The fact that distinguishes the cells best, and the ones beside it: columns of the report's table, in order. An end may
   * be named by its role: `closing.lost`.
   */
  readonly shows?: readonly (Shown<NoInfer<C>, NoInfer<M>> | RoleFact<Shown<NoInfer<C>, NoInfer<M>>, NoInfer<R>>)[];
}

/** How often the cells of a load experiment run, and what each is compared with. */
export interface Repeating<CellOf, Facts> {
  /**
   * Repeats of a cell, or with `until` the most of them. Cells take turns; a baseline runs before and after each repeat of a cell
   * that is compared with it, however often that is.
   */
  readonly repeats: number | ((cell: CellOf) => number);
  /**
   * When there are repeats enough: a cell is repeated until its interval is narrow, all of them until the time is used up. Absent:
   * each is repeated as often as `repeats` says. `--repeat` and `--quick` set a number instead.
   */
  readonly until?: Until;
  /**
   * What is compared. `rate.perCpuSecond` is what a request costs: what other work on the machine takes moves it half as much as the
   * rate, and what a request waits for does not move it. Default `rate.perSecond`.
   */
  readonly compares?: ComparedFact;
  /**
   * The cell that each other is compared with, as it was just before and just after: factors that are not named here have the cell's
   * own values. Absent, or `undefined` for a cell: it is compared with none.
   */
  readonly baseline?: Partial<CellOf> | ((cell: CellOf) => Partial<CellOf> | undefined);
  /** Whether a result is compared; default: each is of which that fact is known. */
  readonly counts?: (facts: Facts) => boolean;
}

/** Facts of which cells of loads can be compared: the more the better. */
export const comparedFacts = ['rate.perSecond', 'rate.perCpuSecond'] as const;
export type ComparedFact = (typeof comparedFacts)[number];

/** When the repeats of loads are enough. */
export interface Until {
  /** Both ends of the interval of each ratio lie within this share of it: 0.03 is ± 3 %. */
  readonly within: number;
  /** Seconds that all repeats of the experiment may take; one that has begun, and the baseline after it, still ends. */
  readonly seconds: number;
}

/** A cell of loads against its baseline. */
export interface Compared<CellOf> extends Against {
  readonly cell: CellOf;
  readonly baseline: CellOf;
}

/**
 * One question about throughput: its factors, what the load is in each cell, and what is claimed of the facts. Such cells run one
 * at a time after all others, and observers record counts instead of connections.
 */
export interface LoadDefinition<
  F extends Factors,
  M extends Measures = Record<never, never>,
  N extends Network = 'loopback',
> extends Question<F, M, N, LoadFactsOf<M>> {
  readonly load: Repeating<NoInfer<Cell<F>>, NoInfer<LoadFactsOf<M>>>;
  readonly scenario: (stage: StageOn<LoadStage<M>, NoInfer<N>>, cell: Cell<F>) => Promise<void>;
  readonly across?: readonly LoadAcrossClaim<NoInfer<Cell<F>>, NoInfer<LoadFactsOf<M>>>[];
  /** Sentences of the tuning guide that rest on comparisons with the baseline. */
  readonly rates?: readonly RateStatement<Compared<NoInfer<Cell<F>>>>[];
  /** The conclusion, made from facts and from each cell's comparison with its baseline; or its headline alone. */
  readonly answer: (
    outcomes: readonly Outcome<NoInfer<Cell<F>>, NoInfer<LoadFactsOf<M>>>[],
    compared: readonly Compared<NoInfer<Cell<F>>>[],
  ) => Conclusion | string;
  /** The fact that distinguishes the cells best, and the ones beside it: columns of the report's table, in order. */
  readonly shows?: readonly (keyof LoadFactsOf<NoInfer<M>> & string)[];
}

/** A usual definition whose types have been forgotten. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the inferred types are erased
export type AnyScenarioDefinition = Definition<any, any, any, any, Network> & { readonly kind: 'scenario' };
/** A definition of loads whose types have been forgotten. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyLoadDefinition = LoadDefinition<any, any, Network> & { readonly kind: 'load' };
/** A definition whose types have been forgotten: what the rest of the program handles. */
export type AnyDefinition = AnyScenarioDefinition | AnyLoadDefinition;

/** What the ends of its cells are called by what they do. */
export const rolesOf = (definition: AnyDefinition): string[] =>
  definition.kind === 'scenario' ? Object.keys(definition.roles ?? {}) : [];

const made: unique symbol = Symbol.for('lingerlab.experiment');
declare const told: unique symbol;
/** What an experiment file exports as its default. */
export interface Experiment<D extends AnyDefinition = AnyDefinition, O = unknown> {
  readonly [made]: true;
  readonly definition: D;
  /** Of the compiler's alone: the type of its outcomes. */
  readonly [told]?: O;
}

/** Declares an experiment about connections; the default export of its file. */
export function experiment<
  const F extends Factors,
  const C extends readonly string[] = readonly [],
  const M extends Measures = Record<never, never>,
  const R extends string = never,
  const N extends Network = 'loopback',
>(definition: Definition<F, C, M, R, N>): Experiment<AnyScenarioDefinition, Outcome<Cell<F>, FactsOf<C, M>>> {
  return { [made]: true, definition: { ...(definition as unknown as AnyScenarioDefinition), kind: 'scenario' } };
}

/** Declares an experiment about throughput; the default export of its file. */
export function loadExperiment<
  const F extends Factors,
  const M extends Measures = Record<never, never>,
  const N extends Network = 'loopback',
>(definition: LoadDefinition<F, M, N>): Experiment<AnyLoadDefinition, Outcome<Cell<F>, LoadFactsOf<M>>> {
  return { [made]: true, definition: { ...(definition as unknown as AnyLoadDefinition), kind: 'load' } };
}

/** Whether a value was made by {@link experiment}, by this copy of the program or another. */
export const isExperiment = (value: unknown): value is Experiment =>
  typeof value === 'object' && value !== null && (value as Partial<Experiment>)[made] === true;

/** What the experiments of a folder are about: the heading under which lists and reports gather them. */
export interface Group {
  readonly title: string;
  /** Groups are listed by ascending order. */
  readonly order: number;
  /** The id of the experiment whose headline stands for the group's; default: the first that has one. */
  readonly lead?: string;
}

/** An experiment with where it came from. */
export interface LoadedExperiment {
  readonly definition: AnyDefinition;
  readonly group: Group;
  /** `builtin:closing/close-order`, or the absolute path of a user's own file. */
  readonly file: string;
  /** It comes with the program. */
  readonly builtin: boolean;
  /** The modules that it imports, without packages: paths relative to its file. */
  readonly modules: readonly string[];
  /** sha256 of the file and its modules, hexadecimal. */
  readonly sourceHash: string;
}
