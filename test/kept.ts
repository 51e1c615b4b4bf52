import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const reference = fileURLToPath(new URL('../results/reference', import.meta.url));

/** The run of the whole default matrix that is kept in results/reference/, by its folder. */
export const keptRun = ((): string => {
  const [kept, ...others] = readdirSync(reference).filter((name) => existsSync(join(reference, name, 'run.json.gz')));
  if (kept === undefined || others.length > 0) throw new Error(`${reference} must have one run`);
  return join(reference, kept);
})();

/** A whole run of schema version 2, by its folder. */
export const earlierRun = fileURLToPath(new URL('fixtures/run-version-2', import.meta.url));
