import type { Declaration, FactValue } from '../record/fact.ts';
import type { CellRecord, ExperimentRecord, Verdict, Warning } from '../record/schema.ts';
import type { Guide } from '../report/guide/guide.ts';
import type { Wired } from '../report/ladder/parts.ts';
import type { Report } from '../report/model/report.ts';

/** What a page's script can search. */
export interface PageIndex {
  /** What was too large for the page; empty where it has all. */
  readonly left: string;
  readonly experiments: readonly PageExperiment[];
  readonly declarations: readonly PageDeclaration[];
  readonly results: readonly PageResult[];
  /** Absent: the page has no tuning guide. */
  readonly guide?: PageGuide;
}

export type PageDeclaration = Pick<Declaration, 'type' | 'unit' | 'compare' | 'text'>;

export interface PageExperiment {
  readonly id: string;
  readonly group: string;
  readonly question: string;
  readonly headline: string;
  /** Words of the field that it is about. */
  readonly tags?: readonly string[];
  readonly factors: Readonly<Record<string, readonly string[]>>;
  readonly words?: ExperimentRecord['words'];
  readonly shows: readonly string[];
  /** By fact the place of its declaration. */
  readonly declared: Readonly<Record<string, number>>;
  readonly findings: readonly PageFinding[];
  readonly claims: readonly {
    readonly id: string;
    readonly text: string;
    readonly source: string;
    readonly verdict: Verdict;
  }[];
}

/** A sentence with its number. */
export interface PageFinding {
  readonly number: string;
  readonly text: string;
  /** Places of the results that it rests on. */
  readonly results: readonly number[];
}

/** What a query finds of the tuning guide. */
export interface PageGuide {
  /** The symptoms and knobs that the page has; of a symptom, what a log shows. */
  readonly sections: readonly { readonly name: string; readonly seen?: string }[];
  /** Its sentences: `server-restart/with-an-option-at-once`. */
  readonly said: readonly (PageFinding & { readonly id: string })[];
}

/** One result; its names are short, since a run has many. */
export interface PageResult {
  /** Place of its experiment. */
  readonly e: number;
  /** Its cell. */
  readonly id: string;
  /** Its repeat. */
  readonly n: number;
  readonly s: CellRecord['status'];
  /** Its outcome. */
  readonly l?: string;
  /** Its facts, counters apart. */
  readonly f: Readonly<Record<string, FactValue | null>>;
  readonly roles?: CellRecord['roles'];
  /** Claims of its experiment's file, in its order, with their verdicts. */
  readonly c: readonly (readonly [number, Verdict])[];
  /** How its states are known. */
  readonly ev: readonly string[];
  /** Codes of its warnings. */
  readonly w?: readonly string[];
  readonly race?: boolean;
}

/** What is drawn of a result. */
export interface PageRecord extends Pick<Wired, 'segments' | 'incarnations' | 'asides'> {
  readonly paths: CellRecord['paths'];
  readonly ends?: CellRecord['ends'];
  readonly counters?: Readonly<Record<string, FactValue | null>>;
  /** Why facts are unknown. */
  readonly unknown?: Readonly<Record<string, string>>;
  /** What each verdict rests on, in the order of the result's claims. */
  readonly claims: readonly string[];
  readonly warnings?: readonly Warning[];
  /** Why it did not run, or errored. */
  readonly reason?: string;
  readonly late?: string;
  /** Where its record is, beside the page. */
  readonly folder: string;
  readonly files: readonly string[];
}

/** What a page is rendered from. */
export interface PageInput {
  readonly report: Report;
  /** Absent: the run proves nothing of it. */
  readonly guide: Guide | undefined;
  readonly style: string;
  readonly script: string;
}

/** Stands where a page's data comes, which takes the room that the rest leaves: no text that is escaped has it. */
export const dataPlace = '<data-place>';
