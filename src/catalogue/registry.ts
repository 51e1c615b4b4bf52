import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { LingerlabError } from '../errors.ts';
import type { Group, LoadedExperiment } from '../experiment/definition.ts';
import { ownExtension, ownModules } from '../process/own-files.ts';
import { jitless } from '../record/check.ts';
import { importDefinition, ungrouped } from './load.ts';
import { hashesFile, modulesOf, sourceHashOf } from './modules.ts';

/** The experiments that come with the program: beside `src/` in its source, beside compiled `src/` where it is compiled. */
const ownFolder = fileURLToPath(new URL('../experiments/', ownModules));

/** The file that says what a folder's experiments are about. */
const groupFile = `group${ownExtension}`;
/** A folder of modules that experiments beside it import: none is an experiment. */
const sharedFolder = 'shared';
const group = z.strictObject({ title: z.string().min(1), order: z.number(), lead: z.string().min(1).exactOptional() });

interface Wanted {
  readonly folder?: string;
  /** Of the program's own experiments, each of which has a file of its name: whether it is wanted, by its id. */
  readonly isWanted?: (id: string) => boolean;
}

/**
 * The experiments of a folder and the folders in it, those named `shared` apart, ordered by group, then id. By default those
 * that come with the program; only those that are wanted are loaded.
 * Throws EXPERIMENT_LOAD where a folder cannot be read, or its group; DUPLICATE_EXPERIMENT; and as loading a file does.
 */
export async function builtins({
  folder = ownFolder,
  isWanted = () => true,
}: Wanted = {}): Promise<LoadedExperiment[]> {
  const groups = new Map<string, Promise<Group>>();
  const hashes = await compiledFrom(folder);
  const load = async ({ name, groupFile }: Found) => {
    if (groupFile !== undefined && !groups.has(groupFile)) groups.set(groupFile, groupIn(join(folder, groupFile)));
    return builtin(folder, name, await (groups.get(groupFile ?? '') ?? ungrouped), hashes);
  };
  const wanted = (await filesIn(folder)).filter(({ name }) => isWanted(idOf(name)));
  return registry(await Promise.all(wanted.map(load)));
}

/** The ids of the experiments that come with the program; none of them is loaded. */
export const builtinIds = async (): Promise<ReadonlySet<string>> =>
  new Set((await filesIn(ownFolder)).map(({ name }) => idOf(name)));

const idOf = (name: string): string => basename(name, ownExtension);

/** An experiment's file, and the file of the group that it is in: paths from the folder of them all. */
interface Found {
  readonly name: string;
  readonly groupFile: string | undefined;
}

/** The experiments' files in `root`/`folder`; `above` is the file of the group of the folder around it. */
async function filesIn(root: string, folder = '', above?: string): Promise<Found[]> {
  const path = join(root, folder);
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new LingerlabError(
      'EXPERIMENT_LOAD',
      `the program's own experiments are missing: ${path}`,
      'install lingerlab again',
      { cause },
    );
  });
  const own = entries.some(({ name }) => name === groupFile) ? join(folder, groupFile) : above;
  const found = entries.map(async (entry) => {
    const name = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === sharedFolder ? [] : filesIn(root, name, own);
    return isModule(name) && entry.name !== groupFile ? [{ name, groupFile: own }] : [];
  });
  return (await Promise.all(found)).flat();
}

const isModule = (name: string): boolean => name.endsWith(ownExtension) && !name.endsWith('.d.ts');

async function groupIn(path: string): Promise<Group> {
  const { default: exported } = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  const parsed = group.safeParse(exported, jitless);
  if (parsed.success) return parsed.data;
  throw new LingerlabError(
    'EXPERIMENT_LOAD',
    `${path} does not declare a group of experiments`,
    "write `export default { title: 'Closing', order: 20 } satisfies Group;`",
  );
}

type Hashes = Readonly<Record<string, string>>;

/** What the sources of a folder of compiled experiments hash to, by id; nothing of a folder of sources. */
async function compiledFrom(root: string): Promise<Hashes> {
  const path = join(root, hashesFile);
  if (!existsSync(path)) return {};
  return z.record(z.string(), z.string()).parse(JSON.parse(await readFile(path, 'utf8')));
}

async function builtin(root: string, name: string, group: Group, hashes: Hashes): Promise<LoadedExperiment> {
  const path = join(root, name);
  const [definition, bytes] = await Promise.all([importDefinition(path, path), readFile(path)]);
  const modules = modulesOf(path);
  const sourceHash = hashes[definition.id] ?? (await sourceHashOf(path, bytes, modules));
  const file = `builtin:${name.slice(0, -ownExtension.length)}`;
  return { definition, group, file, builtin: true, modules, sourceHash };
}

/**
 * Experiments from several places together, ordered by group, then id; a file that was given twice counts once.
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
  return [...byId.values()].sort(
    (a, b) =>
      a.group.order - b.group.order ||
      compareText(a.group.title, b.group.title) ||
      compareText(a.definition.id, b.definition.id),
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
