import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import { sourceOf } from '../catalogue/load.ts';
import { sourceHashOf } from '../catalogue/modules.ts';
import { type ExitCode, exitCode, LingerlabError } from '../errors.ts';
import { isLoad, type PlannedCell } from '../plan/cells.ts';
import { overriddenIn } from '../plan/runnable.ts';
import { checkResults, type Selection, select } from '../plan/select.ts';
import { type Settings, settingsOf, tried } from '../plan/settings.ts';
import { parseWhere } from '../plan/where.ts';
import { watchThread } from '../process/watchdog.ts';
import type { SamplerName } from '../record/event.ts';
import { readRun } from '../record/read.ts';
import { changedSince } from '../record/resume.ts';
import type { Run, RunRecord } from '../record/schema.ts';
import { formatElapsed, plural } from '../report/format.ts';
import { underText } from '../report/model/overview.ts';
import { createProgress, type Progress } from '../report/progress/progress.ts';
import { estimate, stretchesOf } from '../run/order.ts';
import type { RunProgress } from '../run/request.ts';
import { run as runIt } from '../run/run.ts';
import { visibleLines } from '../text/visible.ts';
import { endAtOnce } from './at-once.ts';
import { experimentsFor } from './experiments.ts';
import { interruption } from './interruption.ts';
import { answer, answerJson, columnsOf, savedText, wantsColor } from './output.ts';

export interface RunOptions {
  readonly where: readonly string[];
  readonly sysctl: readonly string[];
  readonly sysctlsFrom: readonly string[];
  readonly all: boolean;
  readonly quick: boolean;
  readonly repeat?: number;
  readonly jobs: number;
  readonly sampler: SamplerName;
  readonly freshPeers?: boolean;
  readonly out?: string;
  readonly resume?: string;
  readonly dryRun: boolean;
  readonly strict: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** `lingerlab run [patterns…]`. Throws LingerlabError for wrong input, before anything is touched. */
export async function run(patterns: readonly string[], options: RunOptions): Promise<ExitCode> {
  const asked = options.resume ? await resumed(options.resume, patterns) : await selected(patterns, options);
  if (options.dryRun) return showPlan(asked, options);
  const folder = resolve(options.resume ?? options.out ?? freshFolder(folderName(new Date())));
  const progress = progressFor(options);
  const atOnce = (error: LingerlabError): void => {
    progress.close();
    endAtOnce(error, folder);
  };
  watchThread(atOnce);
  using interrupted = interruption({ say: (text) => progress.say(text), atOnce, folder });
  const finished = await runIt({
    ...asked,
    folder,
    resume: options.resume !== undefined,
    jobs: options.jobs,
    sampler: options.sampler,
    freshPeers: options.freshPeers ?? false,
    argv: process.argv.slice(2),
    signal: interrupted.signal,
    progress,
  })
    .catch((error) => {
      progress.close();
      // before that it had no folder of its own
      if (progress.hasBegun()) process.stderr.write(savedText(folder));
      throw error;
    })
    .finally(() => progress.close());
  await show(finished, options);
  return codeOf(finished, options);
}

/** What is to run, and under which settings. */
interface Asked {
  readonly selection: Selection;
  readonly settings: Settings;
}

async function selected(patterns: readonly string[], given: RunOptions): Promise<Asked> {
  const { where, all, quick, repeat, sysctl, sysctlsFrom } = given;
  const options = { where: parseWhere(where), all, quick, ...(repeat !== undefined && { repeat }) };
  const selection = select(await experimentsFor(patterns), patterns, options);
  return { selection, settings: settingsOf(sysctl, sysctlsFrom) };
}

/** What the run in this folder had planned, under its settings. */
async function resumed(folder: string, patterns: readonly string[]): Promise<Asked> {
  if (patterns.length > 0) {
    throw new LingerlabError(
      'BAD_OPTION',
      '--resume takes no patterns: it continues the plan of that run',
      'leave the patterns out',
    );
  }
  const { run: saved } = await readRun(folder);
  const own = saved.experiments.filter(({ builtin }) => !builtin);
  // a file that is another now is not even loaded: that would run what it has become
  for (const { id, file, modules = [], sourceHash } of own) {
    // a module that is not there any more has changed
    const now = await sourceHashOf(file, await sourceOf(file), modules).catch(() => undefined);
    if (now !== sourceHash) throw changedSince(folder, id, file);
  }
  const named = saved.experiments.map(({ id, file, builtin }) => (builtin ? id : file));
  const { experiments, cells } = select(await experimentsFor(named), saved.plan, {
    where: {},
    all: true,
    quick: false,
  });
  const planned = cells.map((cell) => asSaved(cell, saved.repeats[cell.id] ?? 1));
  checkResults(planned);
  return { selection: { experiments, cells: planned }, settings: settingsBefore(folder, saved) };
}

/** With the repeats that a run had planned. A number that its experiment does not have was asked for: it stays. */
function asSaved(cell: PlannedCell, repeats: number): PlannedCell {
  if (!isLoad(cell) || repeats === cell.repeats) return { ...cell, repeats };
  const { until: _, ...counted } = cell;
  return { ...counted, repeats };
}

/** The settings that a run has been under. Throws BAD_OPTION where one cannot be set any more. */
function settingsBefore(folder: string, { sessions, warnings }: RunRecord): Settings {
  const pinned = Object.entries(sessions.at(-1)?.environment.pinned ?? {});
  const asked = pinned.flatMap(([name, { asked: value }]) =>
    value === undefined ? [] : [{ name, value, at: folder, optional: false }],
  );
  return { ...tried(asked), left: warnings.filter(({ code }) => code === 'sysctl-left-out') };
}

/** Name of a run's folder, `20261120-084500-6.18.44`: names sort by time and end in the kernel's release. */
const folderName = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${release()}`;

/** A run's folder under results/; a run that begins in the same second as another gets a number. */
export function freshFolder(name: string, isTaken: (folder: string) => boolean = existsSync): string {
  for (let nth = 1; ; nth++) {
    const folder = join('results', nth === 1 ? name : `${name}-${nth}`);
    if (!isTaken(folder)) return folder;
  }
}

function showPlan({ selection: { cells, experiments }, settings }: Asked, { json, jobs }: RunOptions): ExitCode {
  const seconds = estimate(cells, jobs);
  const under = Object.keys(settings.values).length === 0 ? '' : `; ${underText(settings.values)}`;
  const over = overriddenIn(cells, settings.values);
  const warnings = [
    ...settings.left,
    ...over.map(({ warning, cells: some }) => ({
      ...warning,
      text: `in ${some} of ${plural(cells.length, 'cell')} ${warning.text}`,
    })),
  ];
  if (json) {
    const said = warnings.length > 0 && { warnings };
    answerJson({ seconds, ...(under && { sysctls: settings.values }), ...said, cells });
  } else {
    for (const { id, repeats } of cells) answer(repeats > 1 ? `${id} ×${repeats}` : id);
    const size = `${plural(cells.length, 'cell')} of ${plural(experiments.length, 'experiment')}`;
    answer(`${size}, about ${formatElapsed(seconds)} with ${plural(jobs, 'job')}${under}; nothing was run`);
    for (const { text, remedy } of warnings) answer(`warning: ${text}; ${remedy}`);
  }
  return exitCode.ok;
}

interface RunShown extends RunProgress, Pick<Progress, 'say' | 'close'> {
  hasBegun(): boolean;
}

function progressFor({ quiet }: RunOptions): RunShown {
  let shown: Progress | undefined;
  return {
    begin(tasks) {
      const stream = process.stderr;
      const planned = stretchesOf(tasks);
      shown = createProgress({ stream, isTTY: stream.isTTY, quiet, total: tasks.length, planned });
    },
    cellStarted: (id) => shown?.cellStarted(id),
    cellWaiting: (id, seconds) => shown?.cellWaiting(id, seconds),
    cellFinished: (record) => shown?.cellFinished(record),
    cellDropped: (id) => shown?.cellDropped(id),
    say: (text) => (shown ? shown.say(text) : process.stderr.write(`${text}\n`)),
    close: () => shown?.close(),
    hasBegun: () => shown !== undefined,
  };
}

async function show(finished: Run, { json, quiet, verbose }: RunOptions): Promise<void> {
  if (json) {
    const { runAnswer } = await import('./run-answer.ts');
    return answerJson(runAnswer(finished));
  }
  const { reportOf } = await import('../report/model/report.ts');
  const report = reportOf(finished);
  if (quiet) {
    const { experiments, overview } = report;
    for (const { id, answer: found } of experiments) answer(`${id}: ${found.headline}`);
    // what failed is no answer, and is printed all the same
    const { errored, unsupported } = overview;
    for (const { reason, cells } of [...errored, ...unsupported])
      process.stderr.write(visibleLines(`lingerlab: ${plural(cells.length, 'cell')} did not run: ${reason}\n`));
    return;
  }
  const [{ terminalSummary }, { reportPath }, { pageNameOf }] = await Promise.all([
    import('../report/terminal/summary.ts'),
    import('../report/markdown/beside.ts'),
    import('../page/save.ts'),
  ]);
  const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout), verbose };
  const saved = { path: reportPath(finished.folder), ...pageNameOf(finished) };
  answer(terminalSummary(report, { ...options, ...saved }), { styled: options.color });
}

function codeOf({ run: saved, cells }: Run, { strict }: RunOptions): ExitCode {
  if (saved.status === 'interrupted') return exitCode.interrupted;
  if (cells.some(({ status }) => status === 'errored')) return exitCode.failed;
  const refuted = saved.experiments.some(({ claims }) => claims.some(({ verdict }) => verdict === 'refuted'));
  if (strict && refuted) return exitCode.failed;
  return cells.length > 0 && cells.every(({ status }) => status === 'unsupported') ? exitCode.unable : exitCode.ok;
}
