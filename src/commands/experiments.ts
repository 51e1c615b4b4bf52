import { existsSync } from 'node:fs';
import { loadFile } from '../catalogue/load.ts';
import { builtins, registry } from '../catalogue/registry.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import { watchThread } from '../process/watchdog.ts';
import { endAtOnce } from './at-once.ts';

/**
 * Patterns that name a file rather than an experiment or a cell: by a file's name or a path's beginning, or since nothing
 * else is called so and there is one.
 */
const isFile = (pattern: string, own: readonly LoadedExperiment[]): boolean =>
  /\.[cm]?[jt]s$|^[./~]/.test(pattern) ||
  (existsSync(pattern) && !own.some(({ definition }) => definition.id === pattern.split('/', 1)[0]));

/** The program's own experiments and those in the files that the patterns name. Throws LingerlabError. */
export async function experimentsFor(patterns: readonly string[]): Promise<LoadedExperiment[]> {
  const own = await builtins();
  const paths = new Set(patterns.filter((pattern) => isFile(pattern, own)));
  if (paths.size > 0) watchThread(endAtOnce);
  return registry([...own, ...(await Promise.all([...paths].map((path) => loadFile(path))))]);
}
