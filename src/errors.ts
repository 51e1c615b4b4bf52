/** Exit codes of the command line: contract with scripts that call it. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  unable: 3,
  /** Of `kernels run`: nothing can be said of the kernel; git-bisect(1) skips its commit. */
  untestable: 125,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Exit code for each error that a user can meet, by the error's stable code. */
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
  NO_MIRROR: exitCode.unable,
  MIRROR_REFUSED: exitCode.unable,
  DOWNLOAD_FAILED: exitCode.unable,
  NO_SPACE: exitCode.unable,
  UNKNOWN_KERNEL: exitCode.usage,
  BAD_KERNEL: exitCode.usage,
  STEP_REFUSED: exitCode.failed,
  KERNEL_LACKS: exitCode.unable,
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
  INTERRUPTED: exitCode.interrupted,
} as const satisfies Record<string, ExitCode>;
export type ErrorCode = keyof typeof errorCodes;

/** Place in a file; lines and columns count from 1. */
export interface FilePlace {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

interface LingerlabErrorOptions extends ErrorOptions {
  /** Line of the experiment's file that caused the error. */
  readonly at?: FilePlace | undefined;
  /** Step of the scenario that failed, as messages name it. */
  readonly step?: string | undefined;
}

/** Error that a user can meet, with a stable code, a message and a remedy. */
export class LingerlabError extends Error {
  override readonly name = 'LingerlabError';
  readonly code: ErrorCode;
  /** One sentence: what the user can do. */
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

  /** Returns the same error with a line and a step, if the error has none of its own. */
  from({ at, step }: Omit<LingerlabErrorOptions, 'cause'>): LingerlabError {
    const more = { at: this.at ?? at, step: this.step ?? step };
    if (more.at === this.at && more.step === this.step) return this;
    return new LingerlabError(this.code, this.message, this.remedy, { cause: this, ...more });
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code];
  }
}

/** Returns the message with the place in the experiment's file: `the scenario threw: … (/home/me/my-question.ts:12)`. */
export const messageAndPlace = ({ message, at }: LingerlabError): string =>
  at ? `${message} (${at.file}:${at.line})` : message;

/** Formats an error as the program prints it before it exits: code and message, and the remedy in the next line. */
export const headed = (error: LingerlabError): string =>
  `lingerlab: ${error.code}: ${messageAndPlace(error)}\n  ${error.remedy}\n`;

/** Returns the message of any thrown value. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** Returns the error that came first: a failing clean-up must not hide it. */
export const firstError = (error: unknown): unknown =>
  error instanceof SuppressedError ? firstError(error.suppressed) : error;

/**
 * Turns an error of this machine, such as EMFILE, into a LingerlabError: such an error is no defect of the program, and can
 * come in any call. Returns any other error unchanged.
 */
export function withMachineErrorsTold(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LingerlabError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE')
    return new LingerlabError(
      'NO_DESCRIPTORS',
      `this process cannot open another file: ${error.message}`,
      code === 'EMFILE'
        ? 'raise the limit of this shell (ulimit -n 4096), or run fewer cells at once with --jobs'
        : "raise the system's limit (sysctl fs.file-max), or end a program that has many files open",
      { cause: error },
    );
  if (code === 'ENOENT' && syscall === 'uv_cwd')
    return new LingerlabError(
      'NO_WORKING_FOLDER',
      'the current folder no longer exists',
      'change to a folder that exists, for example with `cd`',
      { cause: error },
    );
  return error;
}
