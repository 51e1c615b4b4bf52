/**
 * Bundles the programs that are started as processes into a folder: `bundle.ts FOLDER`. Prints the paths of the sources that
 * went into them, as JSON.
 */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { programs } from './entry.ts';

const folder = process.argv[2]!;
const source = join(import.meta.dirname, '..');

const sources = await Promise.all(
  programs.map(async (program) => {
    const bundle = await rolldown({
      input: join(source, `${program}.ts`),
      platform: 'node',
      external: ['koffi'],
      logLevel: 'silent',
    });
    const { output } = await bundle.write({ file: join(folder, `${program}.cjs`), format: 'cjs' });
    await bundle.close();
    return output.flatMap((chunk) => ('modules' in chunk ? Object.keys(chunk.modules) : []));
  }),
);
process.stdout.write(JSON.stringify([...new Set(sources.flat())].filter((path) => path.startsWith('/'))));
