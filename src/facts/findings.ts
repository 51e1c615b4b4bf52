import type { FactValue } from './kinds.ts';

/** A fact that should have been observed and was not, with the reason. */
export class Unknown {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Facts by name; absent: not tried. */
export type Findings = Record<string, FactValue | Unknown | undefined>;
