import {
  begin,
  dropped,
  type Expected,
  type Finished,
  finished,
  fractionDone,
  type ProgressState,
  started,
  waiting,
} from './state.ts';
import { finishedLine, lastLine, liveLines, plainLine } from './text.ts';

/** Where progress is written: stderr, as far as progress needs it. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  /** The stream is a terminal that can move its cursor. */
  readonly isTTY: boolean;
  /** Write nothing at all. */
  readonly quiet: boolean;
  /** How many repeats of cells will run. */
  readonly total: number;
  /** Each of these repeats, as the plan has it. */
  readonly planned?: readonly (Expected & { readonly id: string })[];
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

/** Shows the progress of a run; each repeat of a cell is started and finished separately. */
export interface Progress {
  cellStarted(id: string): void;
  /** The cell only waits now, for so many seconds. */
  cellWaiting(id: string, seconds: number): void;
  cellFinished(cell: Finished): void;
  /** A repeat that was to run is not needed. */
  cellDropped(id: string): void;
  /** Say something at once, above the live display. */
  say(text: string): void;
  /** Take the live display away and say the last line; stops the clock. Later calls write nothing. */
  close(): void;
}

/** A live display is drawn again at most so often, and at least once in {@link tickMs}. */
const redrawMs = 80;

/** Waiting cells count down by the second; a plain output is asked whether a line is due. */
const tickMs = 1000;

/** A plain output gets a line after each tenth of the cells, but not so soon after another, and after so long without one. */
const [plainLeastMs, plainMs] = [1000, 5000];

type Writer = { changed(state: ProgressState, now: number, said?: string): void; last(text: string): void };

/** Progress on a stream: live on a terminal, plain lines elsewhere, nothing where quiet. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, isTTY, quiet, total, planned, clock = () => performance.now() } = options;
  let state = begin(total, clock(), planned);
  let open = !quiet;
  const writer = isTTY ? liveWriter(stream) : plainWriter(stream, clock());
  const change = (next: (state: ProgressState, now: number) => ProgressState, said?: string): void => {
    const now = clock();
    state = next(state, now);
    if (open) writer.changed(state, now, said);
  };
  const timer = open ? setInterval(() => change((same) => same), tickMs).unref() : undefined;
  return {
    cellStarted: (id) => change((now, at) => started(now, id, at)),
    cellWaiting: (id, seconds) => change((now, at) => waiting(now, id, seconds, at)),
    cellFinished: (cell) => change((now, at) => finished(now, cell, at), finishedLine(cell)),
    cellDropped: (id) => change((now, at) => dropped(now, id, at)),
    say: (text) => change((same) => same, text),
    close: () => {
      clearInterval(timer);
      if (open) writer.last(lastLine(state, clock()));
      open = false;
    },
  };
}

function liveWriter(stream: ProgressStream): Writer {
  let drawn = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const erase = (): string => (drawn === 0 ? '' : `\r${drawn > 1 ? `\x1b[${drawn - 1}A` : ''}\x1b[J`);
  return {
    changed: (state, now, said) => {
      if (said === undefined && now - drawnAt < redrawMs) return;
      // one column short: a terminal that wraps at its last column would make one line two
      const lines = liveLines(state, now, (stream.columns || 80) - 1);
      stream.write(erase() + (said === undefined ? '' : `${said}\n`) + lines.join('\n'));
      drawn = lines.length;
      drawnAt = now;
    },
    last: (text) => {
      stream.write(`${erase()}${text}\n`);
    },
  };
}

function plainWriter(stream: ProgressStream, startedAt: number): Writer {
  let tenth = 0;
  let writtenAt = startedAt;
  return {
    changed: (state, now, said) => {
      if (said !== undefined) stream.write(`${said}\n`);
      const reached = Math.floor(fractionDone(state) * 10);
      const isDue = reached !== tenth && now - writtenAt >= plainLeastMs;
      if (!isDue && now - writtenAt < plainMs) return;
      tenth = reached;
      writtenAt = now;
      stream.write(`${plainLine(state, now)}\n`);
    },
    last: (text) => {
      stream.write(`${text}\n`);
    },
  };
}
