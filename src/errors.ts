/** Exit codes of the command line: contract with scripts that call it. */
export const exitCode = { ok: 0, failed: 1, usage: 2, unable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Every error a user can meet: its stable code, and the exit code it leads to. */
export const errorCodes = {
  UNKNOWN_EXPERIMENT: exitCode.usage,
  UNKNOWN_FACTOR: exitCode.usage,
  UNKNOWN_FACTOR_VALUE: exitCode.usage,
  UNKNOWN_CELL: exitCode.usage,
  UNKNOWN_COMMAND: exitCode.usage,
  BAD_ARGUMENT: exitCode.usage,
  BAD_OPTION: exitCode.usage,
  NOTHING_SELECTED: exitCode.usage,
  BAD_DEFINITION: exitCode.usage,
  DUPLICATE_EXPERIMENT: exitCode.usage,
  FILE_EXISTS: exitCode.usage,
  FILE_NOT_WRITABLE: exitCode.usage,
  EXPERIMENT_SYNTAX: exitCode.usage,
  EXPERIMENT_LOAD: exitCode.usage,
  EXPERIMENT_TYPES: exitCode.failed,
  RUN_NOT_FOUND: exitCode.usage,
  RUN_UNREADABLE: exitCode.usage,
  RUN_NEWER: exitCode.usage,
  RUN_EXISTS: exitCode.usage,
  RUN_NOT_WRITABLE: exitCode.usage,
  RESUME_REFUSED: exitCode.usage,
  NO_PRIVILEGE: exitCode.unable,
  NO_SS: exitCode.unable,
  NO_TOOL: exitCode.unable,
  NO_NAMESPACES: exitCode.unable,
  NO_RUNTIME: exitCode.unable,
  NOT_MADE: exitCode.unable,
  NO_PORTS: exitCode.unable,
  NO_DESCRIPTORS: exitCode.unable,
  NO_WORKING_FOLDER: exitCode.unable,
  STEP_REFUSED: exitCode.failed,
  STEP_DEADLINE: exitCode.failed,
  STEP_UNAWAITED: exitCode.failed,
  UNKNOWN_LABEL: exitCode.failed,
  NOT_OBSERVED: exitCode.failed,
  CELL_DEADLINE: exitCode.failed,
  NO_ANSWER: exitCode.failed,
  BLOCKED: exitCode.failed,
  SCENARIO_THREW: exitCode.failed,
  PEER_DIED: exitCode.failed,
  PROGRAM_ENDED: exitCode.failed,
  OBSERVER_DIED: exitCode.failed,
  WIRE_DIED: exitCode.failed,
  LOAD_DIED: exitCode.failed,
  WIRE_REFUSED: exitCode.failed,
  TEARDOWN: exitCode.failed,
  INTERRUPTED: exitCode.interrupted,
} as const satisfies Record<string, ExitCode>;
export type ErrorCode = keyof typeof errorCodes;

/** A line of a file, from 1. */
export interface FilePlace {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

interface LingerlabErrorOptions extends ErrorOptions {
  /** The line of an experiment's file that it comes from. */
  readonly at?: FilePlace | undefined;
  /** The step of a scenario that it is about, as its message has it. */
  readonly step?: string | undefined;
}

/** An error a user can meet: a stable code, what happened, what to do. */
export class LingerlabError extends Error {
  override readonly name = 'LingerlabError';
  readonly code: ErrorCode;
  /** What the user can do about it, one sentence. */
  readonly remedy: string;
  readonly at: FilePlace | undefined;
  readonly step: string | undefined;

  constructor(code: ErrorCode, message: string, remedy: string, options: LingerlabErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
    this.at = options.at;
    this.step = options.step;
  }

  /** The same error with the line and the step that it comes from, where it does not say. */
  from({ at, step }: Omit<LingerlabErrorOptions, 'cause'>): LingerlabError {
    const more = { at: this.at ?? at, step: this.step ?? step };
    if (more.at === this.at && more.step === this.step) return this;
    return new LingerlabError(this.code, this.message, this.remedy, { cause: this, ...more });
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code];
  }
}

/** What happened, and where in an experiment's file: `the scenario threw: … (/home/me/my-question.ts:12)`. */
export const messageAndPlace = ({ message, at }: LingerlabError): string =>
  at ? `${message} (${at.file}:${at.line})` : message;

/** An error as a program that ends prints it: code, what happened, and below that what to do. */
export const headed = (error: LingerlabError): string =>
  `lingerlab: ${error.code}: ${messageAndPlace(error)}\n  ${error.remedy}\n`;

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** A failing clean-up must not hide the error that came first. */
export const firstError = (error: unknown): unknown =>
  error instanceof SuppressedError ? firstError(error.suppressed) : error;

/**
 * What this machine refused, wherever that happened: no defect of the program, and not the fault of what was asked just then.
 * Any other error is returned as it is.
 */
export function withMachineErrorsTold(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LingerlabError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE')
    return new LingerlabError(
      'NO_DESCRIPTORS',
      `no more files can be opened: ${error.message}`,
      code === 'EMFILE'
        ? 'raise the limit of this shell (ulimit -n 4096), or run fewer cells at once with --jobs'
        : "raise the system's limit (sysctl fs.file-max), or end what has so many files open",
      { cause: error },
    );
  if (code === 'ENOENT' && syscall === 'uv_cwd')
    return new LingerlabError(
      'NO_WORKING_FOLDER',
      'the folder that this shell is in is gone',
      'change to one that exists: cd',
      { cause: error },
    );
  return error;
}
