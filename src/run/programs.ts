import { setTimeout as sleep } from 'node:timers/promises';
import { processStart, processState } from '../native/process-state.ts';

/** Programs that the peers of a cell have started. */
export interface Programs {
  add(pid: number): void;
  /** Ends those that still run, with all that they started; resolves when they are gone, or cannot be waited for any longer. */
  end(): Promise<void>;
}

/** How long the kernel may take to end a process, which it does in a few ms. */
const killMs = 2000;

/** `guard` gets the pid of each: should this program be killed, the observers end it. */
export function makePrograms(guard: (pid: number) => void): Programs {
  const started = new Map<number, number | null>();
  const lives = (pid: number): boolean => processState(pid) !== null && processStart(pid) === started.get(pid);
  return {
    add(pid) {
      started.set(pid, processStart(pid));
      guard(pid);
    },
    async end() {
      const living = [...started.keys()].filter(lives);
      for (const pid of living) kill(pid);
      const deadline = performance.now() + killMs;
      while (living.some(lives) && performance.now() < deadline) await sleep(1);
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
