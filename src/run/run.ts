import { release } from 'node:os';
import { examine, type Machine, requireBasics } from '../doctor/doctor.ts';
import { environment } from '../doctor/environment.ts';
import { measureWire } from '../doctor/wire-cost.ts';
import { LingerlabError } from '../errors.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import type { Ports } from '../lab/ports.ts';
import { type Crew, makeCrew } from '../load/crew.ts';
import { type Observers, startObservers } from '../observers/observers.ts';
import type { PlannedCell } from '../plan/cells.ts';
import type { Selection } from '../plan/select.ts';
import { catchStrays } from '../process/experiment-code.ts';
import type { SamplerName } from '../record/event.ts';
import { createRun, resumeRun } from '../record/folder.ts';
import { cellKey } from '../record/layout.ts';
import { readRun } from '../record/read.ts';
import type { CellRecord, Environment, Run, WireCost } from '../record/schema.ts';
import { tool } from '../record/tool.ts';
import type { RunWriter } from '../record/writer.ts';
import { saveReport } from '../report/save.ts';
import { runCell } from './cell.ts';
import { type CpuMeter, cpuMeter } from './cpu.ts';
import { beginning, costing, finding, notRunHere, unsupported } from './making.ts';
import { order } from './order.ts';
import { type Slot, type Slots, slots } from './slots.ts';
import { type Task, tasksOf } from './tasks.ts';

/** Told of each cell while the run goes on. */
export interface RunProgress {
  begin(cells: readonly PlannedCell[]): void;
  cellStarted(id: string): void;
  cellWaiting(id: string, seconds: number): void;
  cellFinished(record: CellRecord): void;
}

export interface RunRequest {
  readonly selection: Selection;
  /** A new or empty folder; with `resume`, the folder of the run to go on with. */
  readonly folder: string;
  readonly resume: boolean;
  /** Cells at work at once; those that only wait do not count. */
  readonly jobs: number;
  readonly sampler: SamplerName;
  readonly argv: readonly string[];
  readonly signal: AbortSignal;
  readonly progress: RunProgress;
}

/**
 * experiment → plan → lab and observers → scenario → record → facts → verdicts → run folder → report.
 * Interrupted by the signal, it saves what finished, cleans up and returns the run as it is.
 */
export async function run(request: RunRequest): Promise<Run> {
  const { selection, folder, progress } = request;
  const origin = process.hrtime.bigint();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  using _strays = catchStrays();
  const fail = (error: unknown) => stop.abort(error);
  await using observers = await startObservers({ origin, sampler: request.sampler, died: fail });
  const { ports } = observers;
  const machine = await examine(observers.trace);
  requireBasics(machine);
  const wire = await wireCost(selection, machine, ports);
  const { writer, todo } = await openFolder(request, { ...machine, ...(wire && { wire }) }, origin);
  await using _ = writer;
  const runnable = await setAside(todo, machine, writer);
  progress.begin(runnable.map(({ planned }) => planned));
  const meter = await cpuMeter(() => observers.cpu());
  {
    await using crew = makeCrew({
      spawned: (pid) => observers.guard(pid),
      spent: (cpu) => meter.cell({ load: true }).peer(cpu),
    });
    await playAll(runnable, { ...request, ports, observers, origin, signal, writer, meter, crew, fail });
  }
  const cells = (await readRun(folder)).cells;
  const cpu = await meter.session();
  await writer.update((saved) => costing(finding(saved, selection, cells, observers.trace), cpu));
  await writer.finish(signal.aborted ? 'interrupted' : 'complete');
  const finished = await readRun(folder);
  await saveReport(finished);
  if (stop.signal.aborted && !request.signal.aborted) throw stop.signal.reason;
  return finished;
}

/** What the wire costs here, where a cell is to run on one; undefined where that cannot be measured, which is no cell's matter. */
async function wireCost({ cells }: Selection, { capabilities }: Machine, ports: Ports): Promise<WireCost | undefined> {
  if (!capabilities.tun || !cells.some(({ network }) => network === 'wire')) return undefined;
  return measureWire(ports).catch(() => undefined);
}

async function openFolder(
  { selection, folder, resume, argv }: RunRequest,
  machine: Machine & Pick<Environment, 'wire'>,
  origin: bigint,
): Promise<{ writer: RunWriter; todo: readonly Task[] }> {
  const here: Environment = await environment(environmentParts(machine));
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

const environmentParts = ({
  hz,
  iproute2,
  privileged,
  capabilities,
  sysctls,
  pinned,
  wire,
}: Machine & Pick<Environment, 'wire'>) => ({
  hz,
  iproute2,
  privileged,
  capabilities: { ...capabilities },
  sysctls: { ...sysctls },
  pinned: { ...pinned },
  ...(wire && { wire }),
});

/** Cells that this machine cannot run are saved as unsupported with the reason, and are not tried. */
async function setAside(tasks: readonly Task[], machine: Machine, writer: RunWriter): Promise<readonly Task[]> {
  const runnable: Task[] = [];
  const aside = new Map<string, { id: string; reason: string; remedy: string }>();
  for (const task of tasks) {
    const obstacle = notRunHere(task.planned, machine);
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

interface Players extends RunRequest {
  readonly ports: Ports;
  readonly observers: Observers;
  readonly origin: bigint;
  readonly writer: RunWriter;
  readonly meter: CpuMeter;
  readonly crew: Crew;
  /** The run cannot go on: the others at work are stopped, and what finished is saved. */
  readonly fail: (error: unknown) => void;
}

/**
 * All tasks: first the quiet ones, one at a time, then the others, so many at work at once, then those that measure throughput,
 * one at a time. Nobody else has begun while a quiet
 * one is at work, so nobody can come back to work beside it. Resolves when each has finished or was given up because of the
 * signal.
 */
async function playAll(tasks: readonly Task[], players: Players): Promise<void> {
  const play = playing(players);
  const quiet = tasks.filter(({ planned }) => planned.quiet && !planned.load);
  const loads = tasks.filter(({ planned }) => planned.load);
  const others = tasks.filter(({ planned }) => !planned.quiet && !planned.load);
  const alone = slots(1);
  await Promise.all(quiet.map((task) => play(task, alone)));
  const working = slots(players.jobs);
  await Promise.all(others.map((task) => play(task, working)));
  await Promise.all(loads.map((task) => play(task, alone)));
}

/** Plays a task as soon as it has its slot. */
function playing(players: Players): (task: Task, among: Slots) => Promise<void> {
  const { selection, signal, writer, progress, fail } = players;
  const definitions = new Map(
    selection.experiments.map((loaded: LoadedExperiment) => [loaded.definition.id, loaded.definition]),
  );
  let serial = 0;
  return async ({ planned, repeat }, among) => {
    const definition = definitions.get(planned.experiment);
    if (!definition) throw new LingerlabError('UNKNOWN_EXPERIMENT', planned.experiment, 'report this');
    try {
      using slot = await among.acquire(signal);
      progress.cellStarted(planned.id);
      const waiting = tellingSlot(slot, planned.quiet || planned.load, () =>
        progress.cellWaiting(planned.id, planned.seconds),
      );
      const meter = players.meter.cell({ wired: planned.network === 'wire', load: planned.load });
      const record = await runCell({
        ...players,
        planned,
        definition,
        repeat,
        serial: ++serial,
        slot: waiting,
        meter,
      });
      meter.finished(record.seconds);
      await writer.appendCell(record);
      progress.cellFinished(record);
    } catch (error) {
      if (!signal.aborted) fail(error);
    }
  };
}

/** The slot, telling whenever it is given back for a while. A quiet one is not lent: it would come back beside another. */
const tellingSlot = (slot: Slot, quiet: boolean, waits: () => void): Slot => ({
  release: () => slot.release(),
  lend: (waiting) => (quiet ? undefined : slot.lend(waiting)),
  [Symbol.dispose]: () => slot.release(),
  while(waiting) {
    waits();
    return slot.while(waiting);
  },
});
