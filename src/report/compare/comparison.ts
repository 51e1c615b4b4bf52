import type { Declaration } from '../../record/fact.ts';
import type { Environment, RunRecord, Verdict } from '../../record/schema.ts';
import type { Share } from '../format.ts';
import type { AnswerView } from '../model/answer.ts';
import type { Significance } from '../model/judge.ts';
import type { Known } from './known.ts';
import type { Fate } from './match.ts';

/** One of the compared runs; lists in a comparison are in the order of its runs, null where a run has nothing to show. */
export interface ComparedRun {
  /** `A`, `B`, …: the name the comparison calls it by. */
  readonly label: string;
  readonly folder: string;
  readonly startedAt: string | null;
  readonly status: RunRecord['status'];
  /** `6.18.19`; absent where the run did not record it. */
  readonly kernel?: string;
  /** `Linux 6.18.19`, `HZ 250`, …. */
  readonly setting: readonly string[];
  /** What its clock followed, of a guest of ours. */
  readonly clockRule?: Environment['clockRule'];
}

/** Something of the machines, programs or settings that is not the same in all runs. */
export interface EnvironmentDifference {
  readonly name: string;
  readonly values: readonly (string | null)[];
}

/** Instructions that something takes for each connection, by run: null where they were not counted. */
export interface CostRow {
  /** `open`, `close-linger-0`. */
  readonly way: string;
  readonly values: readonly (number | null)[];
}

/** How fast the same machine was in two runs, by the fixed work of their calibrations. */
export interface SpeedDifference {
  readonly runs: readonly [string, string];
  /** How many times as fast it was in the second. */
  readonly times: number;
  /** They differ by 5 % at most: what loads measured is compared as it is. */
  readonly isAlike: boolean;
}

/** A cell by its factors: ids may spell them in another order. */
export interface ComparedCell {
  readonly id: string;
  readonly factors: Readonly<Record<string, string | number | boolean>>;
}

export interface ComparedExperiment {
  readonly id: string;
  readonly question: string;
  /** Of each run; null: it does not have the experiment. */
  readonly answers: readonly (AnswerView | null)[];
  /** Its file is not the same in all runs that have it. */
  readonly changed: boolean;
  /** Cells of which at least two runs have facts. */
  readonly cells: readonly ComparedCell[];
}

/** A difference that changes of the kernel can explain. */
interface Explainable {
  /** The changes that explain it; absent: none that is known does. */
  readonly known?: readonly Known[];
}

interface OfCell {
  readonly experiment: string;
  /** The cell's id in the first run that has it. */
  readonly cell: string;
  readonly fact: string;
  readonly declared: Declaration;
}

/** A cell of which not the same became in all runs that were asked for it: it ran in one, and errored in another. */
export interface FateDifference extends Explainable {
  readonly experiment: string;
  /** The cell's id in the first run that has it. */
  readonly cell: string;
  readonly factors: ComparedCell['factors'];
  readonly fates: readonly Fate[];
  /** Why it did not run, by the runs' labels. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** A fact that shows another behaviour: unequal, or further apart than its resolution. */
export interface BehaviourDifference extends OfCell, Explainable {
  readonly by: 'exact' | 'within';
  readonly values: readonly (readonly Share[] | null)[];
  /** For `within`: how far apart they might have been, in the fact's unit. */
  readonly resolution?: number;
}

/** A fact that the races of an experiment leave otherwise distributed, all its racing cells together. */
export interface RaceDifference extends Explainable {
  readonly experiment: string;
  readonly fact: string;
  readonly declared: Declaration;
  /** Facts that tell the same results apart, and so differ in the same way. */
  readonly alike: readonly string[];
  /** The odds lie further apart than the machine's load moves them; otherwise the difference counts as performance. */
  readonly isBehaviour: boolean;
  /** The ids of the cells in which it shows. */
  readonly cells: readonly string[];
  /** By run, over these cells. */
  readonly values: readonly (readonly Share[] | null)[];
  readonly test: Significance;
}

/** A measured fact that differs between the first run that has it and another. */
export interface PerformanceDifference extends OfCell {
  readonly runs: readonly [string, string];
  readonly medians: readonly [number, number];
  readonly repeats: readonly [number, number];
  /** The second run's values were divided by this: so many times as fast was its machine. Absent: they are as they were measured. */
  readonly normalised?: number;
  readonly test: Significance;
}

/** An exact fact of a cell that is no race, which yet varied between the repeats of one run. */
export interface Unstable extends OfCell {
  readonly run: string;
  readonly values: readonly Share[];
}

/** A cell, or a fact of it, that some runs cannot show, and why, by the runs' labels. */
export interface NotComparable {
  readonly experiment: string;
  readonly cell: string;
  readonly fact?: string;
  readonly reasons: Readonly<Record<string, string>>;
  /** Of a fact: the runs that do show it, by label; absent where none does. */
  readonly knownIn?: readonly string[];
  /** Of a fact: the runs that did not observe it, by label; absent where all that have the cell did. */
  readonly unknownIn?: readonly string[];
}

export interface VerdictDifference extends Explainable {
  readonly experiment: string;
  readonly claim: string;
  readonly text: string;
  readonly source: string;
  readonly verdicts: readonly (Verdict | null)[];
  readonly details: readonly (string | null)[];
}

/** What a cell of a run did otherwise when it ran again: no difference between runs is concluded from it. */
export interface Flip {
  readonly experiment: string;
  readonly cell: string;
  /** Absent: that the cell ran at all. */
  readonly fact?: string;
  /** The run's label. */
  readonly run: string;
  /** Values as texts. */
  readonly first: string;
  readonly again: string;
}

/** How much was compared: facts are counted once for each cell. */
export interface Compared {
  readonly cells: number;
  /** Facts that a comparison could tell apart. */
  readonly facts: number;
  /** Measured facts with too few values for any difference to be significant; not among `facts`. */
  readonly untested: number;
  /** Measured facts of loads that some runs have from another machine or boot; the ratios of rates are compared instead. */
  readonly elsewhere: number;
  /** Cells that not every run was asked for. */
  readonly notAsked: number;
  /** Other cells that fewer than two runs have facts of. */
  readonly cellsNotComparable: number;
  /** Facts that fewer than two runs can show in a way that can be compared. */
  readonly factsNotComparable: number;
  /** Races: facts of experiments; measurements: facts of cells. */
  readonly tests: { readonly race: number; readonly measurement: number };
}

/** How runs differ: plain data. */
export interface Comparison {
  readonly runs: readonly ComparedRun[];
  /**
   * How many facts of cells differ in behaviour, and of races in more than load explains, how many claims one run confirms and
   * another refutes, and how many cells ran in one run and not in another that was asked for them; what `--fail-on behaviour`
   * asks for.
   */
  readonly behaviour: number;
  /** How many of them no known change of the kernel explains; absent where all runs are of one kernel. */
  readonly unexplained?: number;
  /** Those claims alone. */
  readonly contradicted: number;
  /** Those cells. */
  readonly fates: readonly FateDifference[];
  /** How many measured facts of cells, and odds of races, differ significantly; what `--fail-on performance` asks for. */
  readonly performance: number;
  readonly alpha: number;
  readonly compared: Compared;
  readonly environment: readonly EnvironmentDifference[];
  /** What connections cost the kernels of guests in virtual time. */
  readonly instructions: readonly CostRow[];
  /** How fast the machine of each other run was against the first one's, where their loads are compared and both were calibrated. */
  readonly speeds: readonly SpeedDifference[];
  readonly experiments: readonly ComparedExperiment[];
  readonly differences: readonly BehaviourDifference[];
  readonly races: readonly RaceDifference[];
  readonly measurements: readonly PerformanceDifference[];
  readonly unstable: readonly Unstable[];
  readonly verdicts: readonly VerdictDifference[];
  readonly notComparable: readonly NotComparable[];
  /** Where cells that differ ran once more: which, and what flipped and is therefore no difference. */
  readonly again?: { readonly cells: readonly string[]; readonly flips: readonly Flip[] };
}
