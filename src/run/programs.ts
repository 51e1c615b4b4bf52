import { setTimeout as sleep } from 'node:timers/promises';
import { processStart, processState } from '../native/process-state.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';

/** Programs that the peers of a cell have started. */
export interface Programs {
  /** `name`: the peer's and the program's, `server.python3`. */
  add(pid: number, name: string): void;
  /** Ends those that still run, with all that they started; resolves when they are gone, with a warning of each that is not. */
  end(): Promise<readonly Warning[]>;
}

/** How long the kernel may take to end a process, which it does in a few ms. */
const killMs = 2000;

interface Program {
  readonly pid: number;
  readonly name: string;
  /** Another process may get its pid. */
  readonly start: number | null;
}

const lives = ({ pid, start }: Program): boolean => processState(pid) !== null && processStart(pid) === start;

const notEnded = ({ pid, name }: Program, ms: number): Warning =>
  warn(
    'program-not-ended',
    `program ${name} (pid ${pid}) still ran ${ms / 1000} s after SIGKILL, in state ${processState(pid)} of /proc/${pid}/stat`,
  );

/** `guard` gets the pid of each: should this program be killed, the observers end it. */
export function makePrograms(guard: (pid: number) => void, { end = kill, waitMs = killMs } = {}): Programs {
  const started: Program[] = [];
  return {
    add(pid, name) {
      started.push({ pid, name, start: processStart(pid) });
      guard(pid);
    },
    async end() {
      const living = started.filter(lives);
      for (const { pid } of living) end(pid);
      const deadline = performance.now() + waitMs;
      while (living.some(lives) && performance.now() < deadline) await sleep(1);
      return living.filter(lives).map((program) => notEnded(program, waitMs));
    },
  };
}

/** Its group is its own, setsid(2). */
function kill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended just now
  }
}
