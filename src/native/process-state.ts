import { readFileSync } from 'node:fs';

/** What /proc/<pid>/stat says of a process, proc(5). */
export interface ProcessStat {
  /** Its state letter. */
  readonly state: string;
  /** CPU that it has used, with its children that have ended and been waited for, in clock ticks. */
  readonly cpuTicks: number;
  /** Its start, in clock ticks since boot. */
  readonly startTicks: number;
  /** Its page faults that needed no disk. */
  readonly minorFaults: number;
}

export function parseProcessStat(text: string): ProcessStat {
  // The command's name may itself hold spaces and parentheses: fields are counted from the last one.
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  const cpuTicks = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  return { state: fields[0] ?? '', cpuTicks, startTicks: Number(fields[19]), minorFaults: Number(fields[7]) };
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

/** A process's page faults until now that needed no disk; `null` where there is no such process. */
export function minorFaults(pid: number): number | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).minorFaults;
  } catch {
    return null;
  }
}
