import { readFileSync } from 'node:fs';
import type { RunRecord } from '../record/schema.ts';

/** What /proc/<pid>/stat says of a process: its state letter and its start in clock ticks since boot, proc(5). */
export function parseProcessStat(text: string): { readonly state: string; readonly startTicks: number } {
  // The command's name may itself hold spaces and parentheses: fields are counted from the last one.
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
}

/** A process's state letter; `null` where there is none, or only what is left of one. */
export function processState(pid: number): string | null {
  try {
    const { state } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return state === 'Z' || state === 'X' ? null : state;
  } catch {
    return null;
  }
}

/** When a process started, in clock ticks since boot; `null` where there is none, or only what is left of one. */
export function processStart(pid: number): number | null {
  try {
    const { state, startTicks } = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return state === 'Z' || state === 'X' ? null : startTicks;
  } catch {
    return null;
  }
}

/** With hidepid, /proc shows no processes of other users, but the kernel still refuses a signal to them by name. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a run is still being made: it says `running`, and the process that said so, not a later one of that number, is alive. */
export function isLive(run: Pick<RunRecord, 'status' | 'pid' | 'pidStart'>): boolean {
  if (run.status !== 'running' || run.pid <= 0) return false;
  const start = processStart(run.pid);
  if (start === null) return isHidden(run.pid);
  return run.pidStart === undefined || run.pidStart === start;
}
