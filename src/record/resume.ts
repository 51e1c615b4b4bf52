import { LingerlabError } from '../errors.ts';
import { cellKey, repeatsOf } from './layout.ts';
import { type Run, schemaVersion } from './schema.ts';

/** What would go on with a run. */
export interface Current {
  /** `uname -r` */
  readonly kernel: string;
  readonly toolVersion: string;
  readonly experiments: readonly { readonly id: string; readonly sourceHash: string }[];
}

/** What is left of a run. */
export interface ResumePlan {
  /** {@link cellKey}s of what finished: ran, or cannot run on this machine. */
  readonly done: ReadonlySet<string>;
  /** What errored or is missing, in plan order. */
  readonly todo: readonly { readonly id: string; readonly repeat: number }[];
}

const refused = (folder: string, problems: readonly string[], remedy: string): LingerlabError =>
  new LingerlabError('RESUME_REFUSED', `cannot resume ${folder}: ${problems.join('; ')}`, remedy);

const startAnew = 'its cells would not be comparable: start a new run, and compare the two with `lingerlab compare`';

const changed = (id: string, file: string): string => `experiment ${id} has changed (${file})`;

/** RESUME_REFUSED for an experiment whose file, or a module of it, is not what the run was made with. */
export const changedSince = (folder: string, id: string, file: string): LingerlabError =>
  refused(folder, [changed(id, file)], startAnew);

function experimentProblems({ run }: Run, current: Current): string[] {
  const now = new Map(current.experiments.map(({ id, sourceHash }) => [id, sourceHash]));
  return run.experiments.flatMap(({ id, sourceHash, file }) => {
    if (!now.has(id)) return [`experiment ${id} is not there any more (${file})`];
    return now.get(id) === sourceHash ? [] : [changed(id, file)];
  });
}

/**
 * What a resumed run still has to do. A complete run may have nothing left; that is no error.
 * @throws LingerlabError RESUME_REFUSED: another kernel, tool version or changed experiment, or the run is still live, packed, or of an older schema
 */
export function resumePlan(
  previous: Run & { readonly live?: boolean; readonly packed?: boolean; readonly writtenAs?: number },
  current: Current,
): ResumePlan {
  const { run, folder, cells } = previous;
  if (previous.live) {
    throw refused(folder, [`process ${run.pid} is still running it`], 'wait for it to end, or stop it with Ctrl-C');
  }
  if (previous.packed) {
    throw refused(folder, ['its cells are packed'], 'unpack them first: `gunzip cells.ndjson.gz` in that folder');
  }
  if (previous.writtenAs !== undefined && previous.writtenAs !== schemaVersion) {
    throw refused(
      folder,
      [`its files have schema version ${previous.writtenAs}, this program writes ${schemaVersion}`],
      'start a new run, and compare the two with `lingerlab compare`',
    );
  }
  const kernels = new Set(run.sessions.map((session) => session.environment.kernel));
  const otherKernels = [...kernels].filter((kernel) => kernel !== current.kernel);
  const problems = [
    ...otherKernels.map((kernel) => `it ran on kernel ${kernel}, this is ${current.kernel}`),
    ...(run.tool.version === current.toolVersion
      ? []
      : [`lingerlab ${run.tool.version} made it, this is ${current.toolVersion}`]),
    ...experimentProblems(previous, current),
  ];
  if (problems.length > 0) {
    throw refused(folder, problems, startAnew);
  }
  const finished = cells.filter((cell) => cell.status !== 'errored');
  const done = new Set(finished.map((cell) => cellKey(cell.id, cell.repeat)));
  const planned = run.plan.flatMap((id) => repeatsOf(run, id).map((repeat) => ({ id, repeat })));
  return { done, todo: planned.filter(({ id, repeat }) => !done.has(cellKey(id, repeat))) };
}
