import { release } from 'node:os';
import { calibrate } from '../doctor/calibration.ts';
import type { Machine } from '../doctor/doctor.ts';
import { environment } from '../doctor/environment.ts';
import { measureWire } from '../doctor/wire-cost.ts';
import type { Ports } from '../lab/ports.ts';
import type { Selection } from '../plan/select.ts';
import { createRun, resumeRun } from '../record/folder.ts';
import { cellKey } from '../record/layout.ts';
import type { Environment, WireCost } from '../record/schema.ts';
import { tool } from '../record/tool.ts';
import type { RunWriter } from '../record/writer.ts';
import { order } from './order.ts';
import type { RunRequest } from './request.ts';
import { beginning } from './run-json.ts';
import { type Task, tasksOf } from './tasks.ts';

interface Here {
  readonly machine: Machine;
  readonly ports: Ports;
  readonly origin: bigint;
}

/** Makes the run's folder, or opens the one to go on with; what is left to be played, in the order in which it starts. */
export async function openFolder(
  { selection, folder, resume, argv }: RunRequest,
  { machine, ports, origin }: Here,
): Promise<{ readonly writer: RunWriter; readonly todo: readonly Task[] }> {
  const wire = await wireCost(selection, machine, ports);
  const here: Environment = await environment(environmentParts(machine, wire));
  const clock = { monotonicNs: String(origin), wall: new Date().toISOString() };
  const startedAt = clock.wall;
  const tasks = tasksOf(order(selection.cells));
  if (!resume) {
    const record = beginning({ selection, argv, environment: here, clock, startedAt });
    return { writer: await createRun(folder, record), todo: tasks };
  }
  const experiments = selection.experiments.map(({ definition, sourceHash }) => ({ id: definition.id, sourceHash }));
  const by = { kernel: release(), toolVersion: tool().version, experiments, pid: process.pid };
  const { writer, todo } = await resumeRun(folder, { ...by, startedAt, environment: here, clock });
  const left = new Set(todo.map(({ id, repeat }) => cellKey(id, repeat)));
  return { writer, todo: tasks.filter(({ planned, repeat }) => left.has(cellKey(planned.id, repeat))) };
}

/** What the wire costs here, where a cell is to run on one; undefined where that cannot be measured, which is no cell's matter. */
async function wireCost({ cells }: Selection, { capabilities }: Machine, ports: Ports): Promise<WireCost | undefined> {
  if (!capabilities.tun || !cells.some(({ network }) => network === 'wire')) return undefined;
  return measureWire(ports).catch(() => undefined);
}

const environmentParts = (
  { hz, iproute2, privileged, capabilities, sysctls, pinned }: Machine,
  wire: WireCost | undefined,
) => ({
  hz,
  iproute2,
  privileged,
  capabilities: { ...capabilities },
  sysctls: { ...sysctls },
  pinned: { ...pinned },
  ...(wire && { wire }),
  calibration: { before: calibrate() },
});
