import { readFileSync } from 'node:fs';

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
