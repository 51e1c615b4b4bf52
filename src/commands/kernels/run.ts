import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { type ExitCode, exitCode, LingerlabError } from '../../errors.ts';
import { cacheFolder } from '../../kernels/cache.ts';
import { diskImage } from '../../kernels/image.ts';
import { fetchedKernels, type Kernel } from '../../kernels/kernel.ts';
import { paceFor } from '../../kernels/pace.ts';
import { type KernelOutcome, runKernels } from '../../kernels/run.ts';
import { hasBooted, hasEnded, outcomeText } from '../../kernels/tell.ts';
import { saveComparison } from '../../page/comparison.ts';
import { onEndSignals } from '../../process/ending.ts';
import { type ReadRun, readRun } from '../../record/read.ts';
import { compareRuns } from '../../report/compare/compare.ts';
import type { Comparison } from '../../report/compare/comparison.ts';
import { unexplainedCells, withoutFlips } from '../../report/compare/flips.ts';
import { comparisonMarkdown } from '../../report/compare/markdown.ts';
import { toldOf } from '../../report/compare/told.ts';
import { headline } from '../../report/compare/words.ts';
import { formatElapsed, plural } from '../../report/format.ts';
import { visibleLines } from '../../text/visible.ts';
import { answer, answerJson } from '../output.ts';
import { type Inside, insideOf, program, someInside } from './inside.ts';
import type { GuestOptions } from './list.ts';
import { whichKernels } from './which.ts';

export interface RunKernelsOptions extends GuestOptions {
  readonly out?: string;
  readonly against?: string;
  readonly failOn?: 'behaviour' | 'performance';
  readonly json: boolean;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** `lingerlab kernels run [SERIES…] [-- patterns and options of run]`. Throws LingerlabError before a kernel boots. */
export async function runOnKernels(
  words: readonly string[],
  args: readonly string[],
  options: RunKernelsOptions,
): Promise<ExitCode> {
  const cache = cacheFolder();
  const against = options.against === undefined ? undefined : await readRun(options.against);
  const inside = await insideOf(args);
  const { kernels, host } = await whichKernels(cache, words, options, say);
  const out = freshFolder(options.out);
  using stop = interruption();
  sayPlan(inside, kernels);
  // one image for all that was fetched, whichever of them run
  const all = [...new Map([...fetchedKernels(cache), ...kernels].map((each) => [each.release, each])).values()];
  const image = kernels.length === 0 ? '' : await diskImage(cache, all);
  const pace = await paceFor({
    cache,
    kernel: kernels[0],
    image,
    realTime: options.realTime,
    say,
    signal: stop.signal,
  });
  const onAll = async (what: Inside, where: string): Promise<Round> => {
    const outcomes = await runKernels({
      cache,
      kernels,
      image,
      job: { args: what.there, files: what.files, results: what.results },
      pace,
      append: options.append,
      out: where,
      signal: stop.signal,
      progress: ({ release: name }, text) => say(`${name}  ${text}`),
    });
    const hostFolder = host && !stop.signal.aborted ? await runHere(what, where, stop.signal) : undefined;
    return { outcomes, hostFolder, runs: await runsIn(hostFolder, outcomes) };
  };
  const round = await onAll(inside, out);
  const { outcomes, hostFolder, runs } = round;
  const held = [...(against ? [against] : []), ...runs.values()];
  const first = held.length > 1 ? compareRuns(held) : undefined;
  const cells = first ? unexplainedCells(first) : [];
  const page = join(out, 'comparison.md');
  const save = async (comparison: Comparison, compared: readonly ReadRun[]): Promise<void> => {
    writeFileSync(page, visibleLines(`${comparisonMarkdown(toldOf(comparison)).trimEnd()}\n`));
    await saveComparison(comparison, compared, join(out, 'comparison.html'));
  };
  if (first && runs.size > 1) await save(first, held);
  const few = cells.length > 0 && !stop.signal.aborted ? await someInside(inside, cells) : undefined;
  if (cells.length > 0)
    say(
      `in ${plural(cells.length, 'cell')} something new differs: ${few ? 'once more on every kernel' : 'look again with --repeat 2, they are not run once more'}`,
    );
  const second = few ? await onAll(few, folderOf(join(out, 'again'))) : undefined;
  const again = { cells, runs: second ? againOf(round, second) : new Map<string, ReadRun>() };
  const comparison = runs.size > 1 ? comparedTwice([...runs.values()], again) : undefined;
  if (comparison) await save(comparison, [...runs.values()]);
  if (options.json)
    answerJson({
      out,
      pace,
      kernels: outcomes.map((each) => jsonOf(each, runs.get(each.folder))),
      ...(hostFolder && { host: hostFolder }),
      ...(comparison && { comparison: page }),
      leftOut: inside.leftOut,
    });
  else {
    for (const each of outcomes) answer(lineOf(each, runs.get(each.folder)));
    if (comparison) answer(`${headline(comparison)}\nComparison: ${page}`);
  }
  if (stop.signal.aborted) return exitCode.interrupted;
  return codeOf({ outcomes, runs, against, comparison, again }, options);
}

/** Every kernel with the same cells. */
interface Round {
  readonly outcomes: readonly KernelOutcome[];
  readonly hostFolder: string | undefined;
  /** By their folders, this machine's first. */
  readonly runs: ReadonlyMap<string, ReadRun>;
}

/** Cells that ran once more, and the runs that have them, by the folders of the first ones. */
interface Again {
  readonly cells: readonly string[];
  readonly runs: ReadonlyMap<string, ReadRun>;
}

async function runsIn(
  hostFolder: string | undefined,
  outcomes: readonly KernelOutcome[],
): Promise<Map<string, ReadRun>> {
  const runs = new Map<string, ReadRun>();
  for (const folder of [hostFolder, ...outcomes.filter(({ hasRun }) => hasRun).map((each) => each.folder)])
    if (folder !== undefined && existsSync(join(folder, 'run.json'))) runs.set(folder, await readRun(folder));
  return runs;
}

/** The runs of a second round by the folders of the first one's. */
function againOf(first: Round, second: Round): Map<string, ReadRun> {
  const folders = ({ hostFolder, outcomes }: Round) => [hostFolder, ...outcomes.map(({ folder }) => folder)];
  const others = folders(second);
  return new Map(
    folders(first).flatMap((folder, index) => {
      const run = second.runs.get(others[index] ?? '');
      return folder !== undefined && run ? [[folder, run] as const] : [];
    }),
  );
}

/** How runs differ, without what flipped when cells ran once more. */
export function comparedTwice(runs: readonly ReadRun[], { cells, runs: again }: Again): Comparison {
  const comparison = compareRuns(runs);
  if (again.size === 0) return comparison;
  const pairs = runs.map((run) => {
    const other = again.get(run.folder);
    return other && compareRuns([run, other]);
  });
  return withoutFlips(comparison, cells, pairs);
}

function folderOf(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

function freshFolder(given: string | undefined): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const folder = given ?? join('results', `${stamp}-kernels`);
  if (given !== undefined && existsSync(folder))
    throw new LingerlabError('RUN_EXISTS', `${folder} exists`, 'name a folder that does not exist with --out');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new LingerlabError('RUN_NOT_WRITABLE', `cannot make ${folder}`, 'name another folder with --out', { cause });
  }
  return folder;
}

/** Ends guests by Ctrl-C, SIGTERM or SIGHUP; what they finished is saved. */
function interruption(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const signals = onEndSignals((nth, { text }) => {
    if (nth > 1) process.exit(exitCode.interrupted);
    say('lingerlab: stopping; what finished is being saved; once more ends it at once');
    controller.abort(new LingerlabError('INTERRUPTED', text, 'run the command again'));
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => signals[Symbol.dispose](),
  };
}

function sayPlan({ cells, results, leftOut }: Inside, kernels: readonly Kernel[]): void {
  const each = results === cells ? plural(cells, 'cell') : `${plural(cells, 'cell')} (${plural(results, 'result')})`;
  say(`${each} on ${plural(kernels.length, 'kernel')}: ${kernels.map(({ version }) => version).join(', ')}`);
  for (const { cells: left, why } of leftOut) say(`left out: ${plural(left, 'cell')}, ${why}`);
}

/** The same cells on this machine's own kernel. Returns the run's folder. */
async function runHere({ here }: Inside, out: string, signal: AbortSignal): Promise<string> {
  const folder = join(out, `host-${release()}`);
  say(`${release()}  this machine's own kernel, without a virtual machine`);
  const log = createWriteStream(join(out, 'host.log'));
  const running = execa(process.execPath, [program, ...here, '--out', folder], {
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    cancelSignal: signal,
    gracefulCancel: false,
  });
  running.all.pipe(log);
  await running;
  return folder;
}

interface Counted {
  readonly ran: number;
  readonly unsupported: number;
  readonly errored: number;
  readonly refuted: number;
}

const counted = ({ cells, run }: ReadRun): Counted => ({
  ran: cells.filter(({ status }) => status === 'ran').length,
  unsupported: cells.filter(({ status }) => status === 'unsupported').length,
  errored: cells.filter(({ status }) => status === 'errored').length,
  refuted: run.experiments.flatMap(({ claims }) => claims).filter(({ verdict }) => verdict === 'refuted').length,
});

function lineOf(outcome: KernelOutcome, run: ReadRun | undefined): string {
  const { kernel, ended, folder } = outcome;
  const head = `${kernel.version.padEnd(22)} ${outcomeText(outcome)}`;
  const { ran, unsupported, errored, refuted } = run
    ? counted(run)
    : { ran: 0, unsupported: 0, errored: 0, refuted: 0 };
  const counts = run
    ? `: ${plural(ran, 'result')}, ${errored} errored, ${unsupported} unsupported, ${plural(refuted, 'claim')} refuted`
    : '';
  const guest = ended?.end.outcome === 'ended' ? `, ${formatElapsed(ended.end.seconds)} of its clock` : '';
  const took = ended ? ` (${formatElapsed(ended.wallSeconds)}, ${formatElapsed(ended.cpuSeconds)} of CPU${guest})` : '';
  return `${head}${counts}${took}\n  ${folder}`;
}

function jsonOf(outcome: KernelOutcome, run: ReadRun | undefined) {
  const { kernel, ended, folder, hasRun, problem } = outcome;
  const { series, version, release: name, suite } = kernel;
  return {
    series,
    version,
    release: name,
    suite,
    outcome: ended?.end ?? { outcome: 'not-started', problem },
    booted: hasBooted(outcome),
    folder,
    hasRun,
    ...(run && { results: counted(run) }),
    ...(ended && {
      wallSeconds: ended.wallSeconds,
      cpuSeconds: ended.cpuSeconds,
      bootCpuSeconds: ended.bootCpuSeconds,
      bootSeconds: ended.said.bootSeconds,
    }),
  };
}

interface Judged {
  readonly outcomes: readonly KernelOutcome[];
  readonly runs: ReadonlyMap<string, ReadRun>;
  /** The run that each kernel is held against. */
  readonly against: ReadRun | undefined;
  /** Of all runs. */
  readonly comparison: Comparison | undefined;
  readonly again: Again;
}

/**
 * 0 where every guest ran its cells; 1 where a cell errored, a guest did not end, or with `--fail-on` runs differ. With `--against` 1 only
 * where a kernel differs from that run. 125 where that cannot be said, as git-bisect(1) wants it: no kernel booted, or a run is not whole.
 */
export function codeOf(
  { outcomes, runs, against, comparison, again }: Judged,
  { failOn }: Pick<RunKernelsOptions, 'failOn'>,
): ExitCode {
  if (outcomes.length > 0 && !outcomes.some(hasBooted)) return exitCode.untestable;
  if (against) {
    if (!outcomes.every((each) => hasEnded(each) && runs.has(each.folder))) return exitCode.untestable;
    const compared = outcomes.map(({ folder }) => comparedTwice([against, runs.get(folder)!], again));
    if (compared.some(({ compared: { facts } }) => facts === 0)) return exitCode.untestable;
    return compared.some((each) => each[failOn ?? 'behaviour'] > 0) ? exitCode.failed : exitCode.ok;
  }
  const good = outcomes.every(({ ended }) => ended?.end.outcome === 'ended' && ended.end.code === 0);
  const differs = failOn !== undefined && (comparison === undefined || comparison[failOn] > 0);
  return good && !differs ? exitCode.ok : exitCode.failed;
}
