/**
 * Bundles this program, and the programs that it starts as processes, into a folder: `bundle.ts FOLDER`. Prints the paths of the
 * sources that went into them, as JSON.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type OutputOptions, type Plugin, rolldown } from 'rolldown';
import { page, programs, whole } from './entry.ts';

const folder = process.argv[2]!;
const source = join(import.meta.dirname, '..');

/** Packages are installed by the lock file, which is among the sources: see entry.ts. */
const isOwn = (path: string): boolean => path.startsWith('/') && !path.includes('/node_modules/');

/** Characters beyond ASCII as escapes: V8 then keeps the text in half the memory, and Node has it sooner. No comment has any. */
const inAscii: Plugin = {
  name: 'ascii',
  generateBundle(_, made) {
    for (const chunk of Object.values(made))
      if (chunk.type === 'chunk') chunk.code = chunk.code.replace(/[^\0-\x7f]/g, escaped);
  },
};
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

async function bundle(input: string, options: OutputOptions, platform: 'node' | 'browser' = 'node'): Promise<string[]> {
  const made = await rolldown({
    input: join(source, input),
    platform,
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    external: ['koffi'],
    logLevel: 'silent',
    plugins: [inAscii],
  });
  const { output } = await made.write({ ...options, comments: false });
  await made.close();
  return output.flatMap((chunk) => ('modules' in chunk ? Object.keys(chunk.modules) : [])).filter(isOwn);
}

async function copy(input: string, name: string): Promise<string[]> {
  const path = join(source, input);
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await copyFile(path, join(folder, name));
  return [path];
}

const sources = await Promise.all([
  // one file: each module that Node resolves and links costs more than what most of them hold
  bundle('main.ts', { file: join(folder, whole), format: 'esm', codeSplitting: false, sourcemap: true }),
  ...programs.map((program) => bundle(`${program}.ts`, { file: join(folder, `${program}.cjs`), format: 'cjs' })),
  bundle('page/view/render.tsx', { file: join(folder, page.render), format: 'cjs', minify: true }),
  bundle('page/view/browser.tsx', { file: join(folder, page.script), format: 'iife', minify: true }, 'browser'),
  bundle(
    'page/view/comparison-browser.tsx',
    { file: join(folder, page.comparisonScript), format: 'iife', minify: true },
    'browser',
  ),
  copy('page/view/page.css', page.style),
  copy('page/view/comparison.css', page.comparisonStyle),
]);
process.stdout.write(JSON.stringify([...new Set(sources.flat())]));
