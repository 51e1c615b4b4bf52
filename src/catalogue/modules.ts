import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isExperimentFile, ownModules } from '../process/own-files.ts';
import { readRegular } from '../record/regular.ts';

/** The experiments' files that each of them imports itself. All are URLs. */
const importsOf = new Map<string, Set<string>>();

/** Remembers that the module `from` imports `url`, where both are experiments' files. */
export function noteImport(from: string | undefined, url: string): void {
  if (from === undefined || !url.startsWith('file:')) return;
  if (!isExperimentFile(from, ownModules) || !isExperimentFile(url, ownModules)) return;
  const imports = importsOf.get(from) ?? new Set();
  importsOf.set(from, imports.add(withoutQuery(url)));
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '');

/**
 * The modules that the file of an experiment imports, and those that these import: paths relative to its folder, in order.
 * Imported packages and this program's own modules are none. The file has to be loaded.
 */
export function modulesOf(file: string): string[] {
  const real = realpathSync(file);
  const first = pathToFileURL(real).href;
  // a Set goes on with what is added to it meanwhile
  const found = new Set([first]);
  for (const url of found) for (const imported of importsOf.get(url) ?? []) found.add(imported);
  found.delete(first);
  return [...found].map((url) => relative(dirname(real), fileURLToPath(url))).sort();
}

/** In a folder of compiled experiments: by id, what {@link sourceHashOf} their sources is. */
export const hashesFile = 'source-hashes.json';

/**
 * sha256 of an experiment's source: of its file's `bytes`, and of its `modules` where it has any.
 * Rejects where a module cannot be read.
 */
export async function sourceHashOf(file: string, bytes: Uint8Array, modules: readonly string[]): Promise<string> {
  if (modules.length === 0) return sha256(bytes);
  // where a symbolic link leads is where the imports of a module begin
  const folder = dirname(realpathSync(file));
  const texts = await Promise.all(modules.map((module) => readRegular(resolve(folder, module))));
  return sha256(JSON.stringify([sha256(bytes), ...modules.map((module, index) => [module, sha256(texts[index]!)])]));
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
