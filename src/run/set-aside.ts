import type { Machine } from '../doctor/doctor.ts';
import type { PlannedCell } from '../plan/cells.ts';
import { type Obstacle, whyNot } from '../plan/runnable.ts';
import type { CellRecord } from '../record/schema.ts';
import type { RunWriter } from '../record/writer.ts';
import type { Task } from './tasks.ts';
import { identity, nothing } from './work.ts';

const none: ReadonlySet<string> = new Set();

/** Saves the cells that this machine cannot run as unsupported, with the reason; returns the others. */
export async function setAside(tasks: readonly Task[], machine: Machine, writer: RunWriter): Promise<readonly Task[]> {
  const runnable: Task[] = [];
  const aside = new Map<string, { id: string } & Obstacle>();
  for (const task of tasks) {
    const { planned } = task;
    // to list them takes 40 ms
    const sysctls = Object.keys(planned.sysctls).length > 0 ? machine.sysctlNames : none;
    const obstacle = whyNot(planned, machine.capabilities, sysctls);
    if (!obstacle) {
      runnable.push(task);
      continue;
    }
    aside.set(task.planned.id, { id: task.planned.id, ...obstacle });
    await writer.appendCell(unsupported(task.planned, task.repeat, obstacle));
  }
  if (aside.size > 0) await writer.update({ notRun: [...aside.values()] });
  return runnable;
}

const unsupported = (planned: PlannedCell, repeat: number, { code, reason, remedy }: Obstacle): CellRecord => ({
  ...identity(planned, repeat),
  ...nothing,
  status: 'unsupported',
  reason: { code, message: reason, remedy },
  startedAt: new Date().toISOString(),
  seconds: 0,
  warnings: [],
});
