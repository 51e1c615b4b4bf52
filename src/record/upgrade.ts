import { LingerlabError } from '../errors.ts';
import { schemaVersion } from './schema.ts';

type Json = Record<string, unknown>;

/** How a folder of one version is read as the next: run.json and a line of cells.ndjson. */
export interface Upgrade {
  readonly run: (run: Json) => Json;
  readonly cell: (cell: Json) => Json;
}

/** By the version upgraded from. The first version has nothing before it. */
export const upgrades: Readonly<Record<number, Upgrade>> = {};

/**
 * The way from a folder's version to this program's.
 * @throws LingerlabError RUN_NEWER, or RUN_UNREADABLE where there is no way
 */
export function upgradeFrom(version: unknown, folder: string, table: Readonly<Record<number, Upgrade>>): Upgrade {
  if (typeof version !== 'number' || !Number.isInteger(version)) {
    throw new LingerlabError(
      'RUN_UNREADABLE',
      `${folder}/run.json: schemaVersion is ${JSON.stringify(version) ?? 'missing'}, not a whole number`,
      'this is no run folder of lingerlab, or it was edited; use the folder that `lingerlab run` made',
    );
  }
  if (version > schemaVersion) {
    throw new LingerlabError(
      'RUN_NEWER',
      `${folder} has schema version ${version}; this program reads versions up to ${schemaVersion}`,
      'read it with the version of lingerlab that made it, or a newer one',
    );
  }
  let way: Upgrade = { run: (run) => run, cell: (cell) => cell };
  for (let from = version; from < schemaVersion; from += 1) {
    const next = table[from];
    const before = way;
    if (!next) {
      throw new LingerlabError(
        'RUN_UNREADABLE',
        `${folder} has schema version ${version}, which cannot be upgraded to ${schemaVersion}`,
        'run the experiments again with this version of lingerlab',
      );
    }
    way = { run: (run) => next.run(before.run(run)), cell: (cell) => next.cell(before.cell(cell)) };
  }
  return way;
}
