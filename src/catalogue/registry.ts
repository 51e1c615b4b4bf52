import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LingerlabError } from '../errors.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';
import { hash, importDefinition } from './load.ts';
import { ownExtension } from './program.ts';

/** The experiments that come with the program: beside `src/` in its source, beside compiled `src/` where it is compiled. */
const ownFolder = fileURLToPath(new URL('../../experiments/', import.meta.url));

/**
 * The experiments of a folder, by default those that come with the program, ordered by id.
 * Throws EXPERIMENT_LOAD where the folder cannot be read, DUPLICATE_EXPERIMENT, and as loading a file does.
 */
export async function builtins(folder: string = ownFolder): Promise<LoadedExperiment[]> {
  const files = await readdir(folder).catch((cause: unknown) => {
    throw new LingerlabError(
      'EXPERIMENT_LOAD',
      `the program's own experiments are missing: ${folder}`,
      'install lingerlab again, or in its source tree run `make build`',
      { cause },
    );
  });
  const modules = files.filter((file) => file.endsWith(ownExtension) && !file.endsWith('.d.ts'));
  return registry(await Promise.all(modules.map((file) => builtin(folder, file))));
}

async function builtin(folder: string, file: string): Promise<LoadedExperiment> {
  const path = join(folder, file);
  const [definition, bytes] = await Promise.all([importDefinition(path, path), readFile(path)]);
  return { definition, file: `builtin:${file.slice(0, -ownExtension.length)}`, sourceHash: hash(bytes) };
}

/**
 * Experiments from several places together, ordered by id; a file that was given twice counts once.
 * Throws DUPLICATE_EXPERIMENT, naming both files, where two have the same id.
 */
export function registry(loaded: readonly LoadedExperiment[]): LoadedExperiment[] {
  const byId = new Map<string, LoadedExperiment>();
  for (const one of loaded) {
    const { id } = one.definition;
    const other = byId.get(id);
    if (other && other.file !== one.file) {
      throw new LingerlabError(
        'DUPLICATE_EXPERIMENT',
        `two experiments have the id "${id}": ${other.file} and ${one.file}`,
        'give one of them another id',
      );
    }
    byId.set(id, one);
  }
  return [...byId.values()].sort((a, b) => (a.definition.id < b.definition.id ? -1 : 1));
}
