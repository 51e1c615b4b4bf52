import { calibrate } from '../doctor/calibration.ts';
import { examine, requireBasics } from '../doctor/doctor.ts';
import { countersHere } from '../doctor/environment.ts';
import type { LingerlabError } from '../errors.ts';
import { makeCrew } from '../load/crew.ts';
import { clockSince } from '../native/clock.ts';
import { startObservers } from '../observers/observers.ts';
import { startPlayer } from '../peers/process.ts';
import type { PlannedCell } from '../plan/cells.ts';
import type { Selection } from '../plan/select.ts';
import { makeCompany } from '../process/company.ts';
import { catchStrays } from '../process/experiment-code.ts';
import { watchStalls } from '../process/stalls.ts';
import { readRun } from '../record/read.ts';
import type { Run } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { ends } from '../tcp/states.ts';
import { startWire } from '../wire/process.ts';
import { cpuMeter } from './cpu.ts';
import { openFolder } from './folder.ts';
import type { RunRequest } from './request.ts';
import { roomBesideOthers } from './room.ts';
import { costing, finding } from './run-json.ts';
import { setAside } from './set-aside.ts';

/**
 * experiment → plan → lab and observers → scenario → record → facts → verdicts → run folder → report.
 * Interrupted by the signal, it saves what finished, cleans up and returns the run as it is.
 */
export async function run(request: RunRequest): Promise<Run> {
  const { selection, settings, folder, progress } = request;
  const origin = process.hrtime.bigint();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const fail = (error: unknown) => stop.abort(error);
  using _strays = catchStrays();
  const unclean: LingerlabError[] = [];
  const starting = startObservers({
    origin,
    sampler: request.sampler,
    died: fail,
    unclean: (error) => void unclean.push(error),
  });
  // while that process starts, the modules that a run needs later are loaded
  const [opened, machine, { playAll }, { saveReport }, { reportOf }, { savePage }] = await Promise.all([
    starting,
    examine(
      starting.then(({ trace }) => trace),
      settings.values,
    ),
    import('./schedule.ts'),
    import('../report/markdown/beside.ts'),
    import('../report/model/report.ts'),
    import('../page/save.ts'),
  ]);
  await using observers = opened;
  const { ports } = observers;
  requireBasics(machine);
  // not before: a peer that is stopped while it starts stays when this process is killed, unless the observers know of it
  const shared = { origin, spawned: (pid: number) => observers.guard(pid) };
  const fresh = request.freshPeers;
  await using company = makeCompany({ fresh, start: (start) => startPlayer(shared, start) });
  await using wires = makeCompany({ fresh, start: (start) => startWire(shared, start) });
  company.prepare(firstPeers(selection), signal);
  const { writer, todo } = await openFolder(request, { machine, ports, origin });
  await using _writer = writer;
  const runnable = await setAside(todo, machine, writer);
  progress.begin(runnable.map(({ planned }) => planned));
  const counters = new Set(countersHere());
  const stalls = watchStalls(clockSince(origin));
  using room = roomBesideOthers();
  const meter = await cpuMeter(() => observers.cpu());
  const { processes, ended } = await (async () => {
    await using crew = makeCrew({
      spawned: (pid) => observers.guard(pid),
      spent: (cpu) => meter.cell({ load: true }).peer(cpu),
    });
    await using _company = company;
    await using _wires = wires;
    const session = {
      ports,
      observers,
      asked: settings.values,
      origin,
      signal,
      writer,
      crew,
      company,
      wires,
      counters,
      stalls,
      room,
    };
    const before = request.resume ? (await readRun(folder)).cells : [];
    const ended = await playAll(runnable, request, { ...session, fail, meter }, before);
    return { processes: { ...company.counts, wires: wires.counts }, ended };
  })();
  const spent = await meter.session();
  const after = calibrate();
  const cpu = spent && { ...spent, processes };
  const closing = observers[Symbol.asyncDispose]();
  const read = await readRun(folder);
  const judged = read.cells.map((cell) => ({ ...cell, counters }));
  // the run's warnings name what the observers cannot remove
  await closing;
  const left = [...settings.left, ...unclean.map(({ message }) => warn('clean-up-failed', message))];
  await writer.update((saved) =>
    costing(finding(saved, selection, judged, { trace: observers.trace, left, ended }), cpu, after),
  );
  await writer.finish(signal.aborted ? 'interrupted' : 'complete');
  const finished: Run = { folder, run: writer.run, cells: read.cells };
  const report = reportOf(finished);
  await saveReport(folder, report);
  await savePage(folder, finished, report);
  if (stop.signal.aborted && !request.signal.aborted) throw stop.signal.reason;
  return finished;
}

/** How many processes the first cell begins with that can take any: none where each cell's are to be fresh. */
function firstPeers({ cells, experiments }: Selection): number {
  const fresh = new Set(
    experiments.flatMap(({ definition }) =>
      definition.kind === 'scenario' && definition.freshPeers ? [definition.id] : [],
    ),
  );
  const isAny = (cell: PlannedCell) => cell.kind === 'scenario' && !cell.race && !fresh.has(cell.experiment);
  return cells.some(isAny) ? ends.length : 0;
}
