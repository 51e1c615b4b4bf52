/**
 * Writes into a folder of compiled experiments what each one's source hashes to: `hashes.ts FOLDER`. A run of the compiled program
 * then compares with a run of these sources as a run of the same files.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashesFile } from './modules.ts';
import { builtins } from './registry.ts';

const hashes = (await builtins()).map(({ definition, sourceHash }) => [definition.id, sourceHash]);
await writeFile(join(process.argv[2]!, hashesFile), `${JSON.stringify(Object.fromEntries(hashes), null, 1)}\n`);
