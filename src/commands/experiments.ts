import { existsSync } from 'node:fs';
import { loadFile } from '../catalogue/load.ts';
import { builtinIds, builtins, registry } from '../catalogue/registry.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import { watchThread } from '../process/watchdog.ts';
import { endAtOnce } from './at-once.ts';

/**
 * Patterns that name a file rather than an experiment or a cell: by a file's name or a path's beginning, or since nothing
 * else is called so and there is one.
 */
const isFile = (pattern: string, own: ReadonlySet<string>): boolean =>
  /\.[cm]?[jt]s$|^[./~]/.test(pattern) || (existsSync(pattern) && !own.has(idIn(pattern)));

const idIn = (pattern: string): string => pattern.split('/', 1)[0]!;

/**
 * The experiments that the patterns can name: those in the files that are patterns, and of the program's own those with the
 * ids that patterns begin with; all of its own where there is no pattern, or one that begins with no id of them. Throws
 * LingerlabError.
 */
export async function experimentsFor(patterns: readonly string[]): Promise<LoadedExperiment[]> {
  const own = await builtinIds();
  const paths = new Set(patterns.filter((pattern) => isFile(pattern, own)));
  if (paths.size > 0) watchThread(endAtOnce);
  const files = await Promise.all([...paths].map((path) => loadFile(path)));
  const fromFiles = new Set(files.map(({ definition }) => definition.id));
  const ids = new Set(patterns.filter((pattern) => !paths.has(pattern)).map(idIn));
  const isAll = patterns.length === 0 || [...ids].some((id) => !own.has(id) && !fromFiles.has(id));
  // of one that a file has the id of, too: that is refused
  const isWanted = (id: string): boolean => isAll || ids.has(id) || fromFiles.has(id);
  return registry([...(await builtins({ isWanted })), ...files]);
}
