import type { Loaded } from '../experiment/load.ts';
import { loadFile } from '../experiment/load.ts';
import { builtins, registry } from '../experiment/registry.ts';

/** Patterns that name a file rather than an experiment or a cell. */
const isFile = (pattern: string): boolean => /\.[cm]?[jt]s$/.test(pattern);

/** The program's own experiments and those in the files that the patterns name. Throws LingerlabError. */
export async function experimentsFor(patterns: readonly string[]): Promise<Loaded[]> {
  const own = await Promise.all([...new Set(patterns.filter(isFile))].map((path) => loadFile(path)));
  return registry([...(await builtins()), ...own]);
}
