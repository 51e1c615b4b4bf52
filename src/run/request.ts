import type { PlannedCell } from '../plan/cells.ts';
import type { Selection } from '../plan/select.ts';
import type { Settings } from '../plan/settings.ts';
import type { SamplerName } from '../record/event.ts';
import type { CellRecord } from '../record/schema.ts';

/** Callbacks for the progress of a run. */
export interface RunProgress {
  begin(cells: readonly PlannedCell[]): void;
  cellStarted(id: string): void;
  cellWaiting(id: string, seconds: number): void;
  cellFinished(record: CellRecord): void;
  /** A repeat that was to run is not needed. */
  cellDropped(id: string): void;
}

/** What a run is asked for. */
export interface RunRequest {
  readonly selection: Selection;
  /** Sysctls under which every cell runs. */
  readonly settings: Settings;
  /** A new or empty folder; with `resume`, the folder of the run to go on with. */
  readonly folder: string;
  readonly resume: boolean;
  /** Cells at work at once; those that only wait do not count. */
  readonly jobs: number;
  readonly sampler: SamplerName;
  /** Every cell gets peers that have played in no other. */
  readonly freshPeers: boolean;
  readonly argv: readonly string[];
  readonly signal: AbortSignal;
  readonly progress: RunProgress;
}
