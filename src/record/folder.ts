import { mkdir, open, readdir, rm, truncate } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { processStart } from '../native/process-state.ts';
import { files } from './layout.ts';
import { type ReadRun, readRun } from './read.ts';
import { type Current, type ResumePlan, resumePlan } from './resume.ts';
import { isUnfinished, notWritable, replaceFile } from './save.ts';
import type { Environment, RunRecord } from './schema.ts';
import { formatRun, openWriter, type RunWriter } from './writer.ts';

export type { RunWriter } from './writer.ts';

/** The process that makes a run, such that a later one with its number is not taken for it. */
function maker(pid: number): Pick<RunRecord, 'pid' | 'pidStart'> {
  const pidStart = processStart(pid);
  return pidStart === null ? { pid } : { pid, pidStart };
}

const exists = (folder: string): LingerlabError =>
  new LingerlabError(
    'RUN_EXISTS',
    `${folder} exists and is not empty`,
    'choose another folder with --out, or continue the run in this folder with --resume',
  );

/** Makes a folder and its parents. Node's `recursive` never returns if mkdir(2) fails with ENOENT in a folder that exists, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    await make();
  }
}

async function makeEmpty(folder: string): Promise<void> {
  let names: string[];
  try {
    await makeFolder(resolve(folder));
    names = await readdir(folder);
  } catch (cause) {
    throw notWritable(folder, cause);
  }
  if (!names.every(isUnfinished)) throw exists(folder);
  await removeUnfinished(folder, names);
}

async function removeUnfinished(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter(isUnfinished)) await rm(join(folder, name), { force: true });
}

/**
 * Begin a run in a new or empty folder; parents are made. run.json is saved before this resolves, that is before the first cell.
 * @throws LingerlabError RUN_EXISTS, RUN_NOT_WRITABLE
 */
export async function createRun(folder: string, record: RunRecord): Promise<RunWriter> {
  await makeEmpty(folder);
  const run = { ...record, ...maker(record.pid) };
  await replaceFile(join(folder, files.run), formatRun(run));
  return openWriter(folder, run);
}

/** Who resumes a run, and where. */
export interface Resumption extends Current {
  readonly pid: number;
  readonly startedAt: string;
  readonly environment: Environment;
  /** The origin of this session's event times, where it is not the run's own. */
  readonly clock?: RunRecord['clock'];
}

/** A run to go on with. */
export interface Resumed extends ResumePlan {
  readonly writer: RunWriter;
  readonly previous: ReadRun;
}

/** Make the file ready for the next line: without a torn last one, and ended. */
async function mend(path: string, { tornAt, ended }: ReadRun['lines']): Promise<void> {
  try {
    if (tornAt !== null) return await truncate(path, tornAt);
    if (ended) return;
    await using file = await open(path, 'a');
    await file.write('\n');
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/**
 * Go on with a run: a torn last line goes, a session is added. A complete run with nothing left to do stays as it is.
 * @throws LingerlabError RESUME_REFUSED, RUN_NOT_WRITABLE, and what {@link readRun} throws
 */
export async function resumeRun(path: string, by: Resumption): Promise<Resumed> {
  const previous = await readRun(path);
  const plan = resumePlan(previous, by);
  const { folder, run } = previous;
  if (run.status === 'complete' && plan.todo.length === 0) {
    return { ...plan, previous, writer: await openWriter(folder, run) };
  }
  await mend(join(folder, files.cells), previous.lines);
  await removeUnfinished(folder, await readdir(folder));
  const session = {
    startedAt: by.startedAt,
    finishedAt: null,
    ...(by.clock && { clock: by.clock }),
    environment: by.environment,
  };
  const resumed: RunRecord = {
    ...run,
    ...maker(by.pid),
    status: 'running',
    sessions: [...run.sessions, session],
    // what was said of the cells before is not said of those to come: should this session be cut off, nothing is
    experiments: run.experiments.map(({ load: _load, ...experiment }) => ({
      ...experiment,
      answer: null,
      answered: null,
      claims: [],
    })),
    groups: run.groups.map((group) => ({ ...group, headline: null })),
    warnings: [],
  };
  await replaceFile(join(folder, files.run), formatRun(resumed));
  return { ...plan, previous, writer: await openWriter(folder, resumed) };
}
