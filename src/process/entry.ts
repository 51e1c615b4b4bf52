import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../record/tool.ts';
import { made } from './made.ts';
import { ownBundle, ownExtension, ownModules } from './own-files.ts';

/** What is started as a process or a thread of its own, by its module below src/. */
export const programs = [
  'doctor/counting',
  'load/main',
  'observers/process/main',
  'peers/main',
  'process/watchdog-thread',
  'wire/main',
  'wire/traffic',
] as const;
export type Program = (typeof programs)[number];

/** The bundle of the program itself, beside those. */
export const whole = 'bundle/program.mjs';

/** The pages' parts, below the folder of the bundles: what renders them, and the scripts and styles that they carry. */
export const page = {
  render: 'page/render.cjs',
  script: 'page/browser.js',
  style: 'page/page.css',
  comparisonScript: 'page/comparison-browser.js',
  comparisonStyle: 'page/comparison.css',
} as const;

let folder: string | undefined;

/**
 * The file to start a program by: one bundle, in the form that Node loads soonest, since two peers are started for every
 * cell and 20 modules take 9 ms of CPU. In a checkout the bundles are made again when a source of theirs has changed; a bundle
 * of the whole program starts those that were made with it. Throws NOT_MADE.
 */
export const entryPoint = (program: Program): string => join(bundles(), `${program}.cjs`);

/** The bundle of the whole program, which takes a third of the time that its modules take to load. Throws NOT_MADE. */
export const programBundle = (): string => join(bundles(), whole);

/** The files of {@link page}. Throws NOT_MADE. */
export const pageFiles = (): Readonly<Record<keyof typeof page, string>> => ({
  render: join(bundles(), page.render),
  script: join(bundles(), page.script),
  style: join(bundles(), page.style),
  comparisonScript: join(bundles(), page.comparisonScript),
  comparisonStyle: join(bundles(), page.comparisonStyle),
});

function bundles(): string {
  folder ??= ownBundle
    ? fileURLToPath(new URL('..', ownBundle))
    : ownExtension === '.js'
      ? fileURLToPath(ownModules)
      : made({ name: 'programs', how: bundler(), make });
  return folder;
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
  // loaded here: it takes 10 ms, and most starts find what is made
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  const maker = fileURLToPath(new URL('process/bundle.ts', ownModules));
  const sources = execFileSync(process.execPath, [maker, folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // what npm has installed
  const installed = join(packageRoot(), 'node_modules', '.package-lock.json');
  return [
    maker,
    fileURLToPath(new URL('process/entry.ts', ownModules)),
    ...(existsSync(installed) ? [installed] : []),
    ...(JSON.parse(sources) as string[]),
  ];
}
