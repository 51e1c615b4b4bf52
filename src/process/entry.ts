import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { made } from './made.ts';

/** What is started as a process or a thread of its own, by its module below src/. */
export const programs = [
  'load/main',
  'observers/process/main',
  'peers/main',
  'process/watchdog-thread',
  'wire/main',
  'wire/traffic',
] as const;
export type Program = (typeof programs)[number];

let folder: string | undefined;

/**
 * The file to start a program by: one bundle, in the form that Node loads soonest, since two peers are started for every
 * cell and 20 modules take 9 ms of CPU. In a checkout the bundles are made again when a source of theirs has changed.
 * Throws NOT_MADE.
 */
export function entryPoint(program: Program): string {
  folder ??= isCompiled ? fileURLToPath(new URL('..', import.meta.url)) : bundles();
  return join(folder, `${program}.cjs`);
}

const isCompiled = import.meta.url.endsWith('.js');
const maker = fileURLToPath(new URL('bundle.ts', import.meta.url));

function bundles(): string {
  return made({ name: 'programs', how: bundler(), make });
}

function bundler(): string {
  try {
    const { version } = createRequire(import.meta.url)('rolldown/package.json') as { readonly version: string };
    return `rolldown ${version}`;
  } catch {
    // making the bundle then fails, with the reason
    return 'no rolldown';
  }
}

/** Makes a bundle in a process of its own: the bundler's threads would stay, and keep the namespaces in which they began. */
function make(folder: string): string[] {
  const sources = execFileSync(process.execPath, [maker, folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return [maker, fileURLToPath(import.meta.url), ...(JSON.parse(sources) as string[])];
}
