import type { FactValue } from '../record/fact.ts';

/** A fact that should have been observed and was not, with the reason. */
export class Unknown {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Why a state that was entered has no length. */
export const notOver = 'it was still in this state when the scenario ended';

/** Facts by name; absent: not tried. */
export type Findings = Record<string, FactValue | Unknown | undefined>;
