import { processStart } from '../native/process-state.ts';
import type { RunRecord } from './schema.ts';

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
