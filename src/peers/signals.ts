import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { processState } from '../native/process-state.ts';

/** Whether /proc/<pid>/status shows a signal that was sent to the process and that none of its threads has taken, proc(5). */
export function isPending(status: string, signal: NodeJS.Signals): boolean {
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (pending === undefined) return false;
  return ((BigInt(`0x${pending}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

function stillPending(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return isPending(readFileSync(`/proc/${pid}/status`, 'latin1'), signal);
  } catch {
    // it ended between two looks
    return false;
  }
}

/** Whether /proc shows that a signal has taken effect, proc(5): T is stopped, Z or nothing has ended. */
export function tookEffect(pid: number, signal: NodeJS.Signals): boolean {
  const state = processState(pid);
  if (state === null) return true;
  if (signal === 'SIGKILL' || signal === 'SIGTERM') return false;
  if (signal === 'SIGSTOP') return state === 'T';
  return signal === 'SIGCONT' ? state !== 'T' : !stillPending(pid, signal);
}
