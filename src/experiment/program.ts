import type { Step } from './step.ts';

export interface ExecOptions {
  /** Variables of its environment, beside those of the peer. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its standard input, which ends then. Absent: the input stays open, for `write()`. */
  readonly input?: string;
}

/** What a program has written so far: of each stream the first 64 KiB. */
export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of both that were not kept. */
  readonly leftOut: number;
}

/** How a program ended. */
export interface ProgramEnded extends ProgramOutput {
  /** `exit code 0`, or the name of the signal. */
  readonly how: string;
  /** Absent where a signal ended it. */
  readonly code?: number;
  /** Absent where it exited. */
  readonly signal?: NodeJS.Signals;
  /** From its start until it was gone, and all that it wrote was read. */
  readonly ms: number;
}

/** A program that a peer started in its own namespace, as its child. It ends with the cell. */
export interface Program {
  readonly pid: number;
  /**
   * Resolves with the next line, of either stream, that has this text, or matches; without a pattern with the next line. Lines up to
   * that one are not looked at again. Rejects with PROGRAM_ENDED where the program ends without one.
   */
  line(pattern?: string | RegExp): Step<string>;
  /** What it has written so far. */
  output(): Step<ProgramOutput>;
  /** Write to its standard input. */
  write(text: string): Step;
  /** End its standard input. */
  closeInput(): Step;
  /** kill(2). */
  signal(name: NodeJS.Signals): Step;
  /** Resolves when it has ended, however it did. */
  ended(): Step<ProgramEnded>;
}
