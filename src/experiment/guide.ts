/** The tuning guide: what its statements are about, and how an experiment declares them. */
import type { Figure } from './finding.ts';

/** What a server engineer can set or choose; the order of the guide's second half. */
export const knobs = [
  'closing order',
  'SO_LINGER',
  'TCP_LINGER2',
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'IP_BIND_ADDRESS_NO_PORT',
  'ip_local_port_range',
  'tcp_tw_reuse',
  'tcp_fin_timeout',
  'tcp_max_tw_buckets',
  'tcp_rfc1337',
  'tcp_timestamps',
  'backlog',
  'tcp_migrate_req',
  'keepalive',
  'TCP_USER_TIMEOUT',
  'tcp_retries2',
  'tcp_orphan_retries',
  'tcp_max_orphans',
] as const;
export type Knob = (typeof knobs)[number];

/** What a server engineer sees; the order of the guide's first half. */
export const symptoms = [
  'EADDRINUSE on restart',
  'EADDRNOTAVAIL on connect',
  'thousands of TIME-WAIT',
  'CLOSE-WAIT grows',
  'FIN-WAIT-2 grows',
  'reset after the response',
  'ECONNRESET on the second request',
  'close() blocks',
  'clients hang in connect',
  'slow connect(2)',
] as const;
export type Symptom = (typeof symptoms)[number];

/** What a statement says of a knob, in the order in which the guide prints it. */
export const knobKinds = ['measured', 'costs', 'risks'] as const;
export type KnobKind = (typeof knobKinds)[number];
/** What a statement says of a symptom: `look at` says what is seen and why, the others what to do. */
export const symptomKinds = ['look at', 'helps', 'cannot help'] as const;
export type SymptomKind = (typeof symptomKinds)[number];

/** The knobs and symptoms that a statement is about, each with what it says of them. */
export type About = { readonly [K in Knob]?: KnobKind } & { readonly [S in Symptom]?: SymptomKind };

interface Stated {
  readonly about: About;
  /** One sentence of at most 160 characters. `{number}` stands for the number: no other that was measured is in it. */
  readonly text: string;
}

/** A sentence of the tuning guide that a claim of cells decides: it holds where all of these cells confirm the claim. */
export interface Statement<CellOf, Outcome> extends Stated {
  /** The id of a claim of cells. */
  readonly claim: string;
  /** Distinguishes statements that rest on one claim; default: the claim's id. */
  readonly id?: string;
  /** Those of the claim's cells on which it rests; all where absent. */
  readonly when?: (cell: CellOf) => boolean;
  /** Its number, from these cells; default: how many of them confirm the claim. Where a fact has no value the sentence is left out. */
  readonly number?: (outcomes: readonly Outcome[]) => Figure | string;
}

/** A sentence of the tuning guide about loads, which the comparison with their baseline decides. */
export interface RateStatement<Comparison> extends Stated {
  readonly id: string;
  /** The comparisons on which it rests. */
  readonly compared: (comparison: Comparison) => boolean;
  /** Whether it holds in one of them. */
  readonly holds: (comparison: Comparison) => boolean;
}

/** The id of a statement in its experiment. */
export const statementId = (statement: { readonly id?: string; readonly claim?: string }): string =>
  statement.id ?? statement.claim ?? '';
