import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { countersHere } from '../doctor/environment.ts';
import { LingerlabError } from '../errors.ts';
import { cellsOf } from '../plan/cells.ts';
import { noAnswer } from '../process/deadline.ts';
import { made } from '../process/made.ts';
import { lackedCounters } from '../verdict/facts.ts';
import { loadFile, sourceOf } from './load.ts';
import { ownIndex } from './program.ts';

/** What `lingerlab check` found in a file. */
export interface Checked {
  readonly ok: boolean;
  /** What the compiler said, or what is wrong with the definition; empty where nothing is. */
  readonly output: string;
  /** What does not make it unfit, and is good to know; absent where there is nothing. */
  readonly notes?: readonly string[];
}

export interface CheckOptions {
  /** Colours and source lines, for a terminal. */
  readonly pretty?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Check a user's experiment: its types against this program's own, then that it loads, what it defines, and that its
 * functions of the cell answer for each cell. `path` is relative to the working directory.
 * Throws EXPERIMENT_LOAD where there is no such file, or none that an experiment can be in; everything wrong inside it is in the result.
 */
export async function checkFile(path: string, options: CheckOptions = {}): Promise<Checked> {
  const file = resolve(path);
  const source = (await sourceOf(path)).toString();
  const types = await typeCheck(file, options);
  if (!types.ok) return { ok: false, output: explained(types.output, source) };
  try {
    const { definition } = await loadFile(path);
    cellsOf(definition);
    const notes = lackedHere(source, definition.shows ?? []);
    return { ok: true, output: '', ...(notes.length > 0 && { notes }) };
  } catch (thrown) {
    if (!(thrown instanceof LingerlabError)) throw thrown;
    return { ok: false, output: `${thrown.message}\n${thrown.remedy}` };
  }
}

/** A counter as a file names it, in a claim, an answer or among what is shown. */
const namedCounters = /\bcounters\.(?:client|server|lab)\.(?:Tcp|TcpExt)\.\w+/g;

/** Counters that the file names and this kernel does not have, or that count nothing: a claim that reads one is inconclusive here. */
function lackedHere(source: string, shows: readonly string[]): string[] {
  const named = [...(source.match(namedCounters) ?? []), ...shows];
  const { unknown } = lackedCounters(named, new Set(countersHere()));
  return Object.entries(unknown).map(
    ([name, { text }]) => `${name}: ${text}; what reads it is inconclusive here. \`nstat -az\` lists the counters`,
  );
}

/** The compiler takes a second or two, on an emulated machine up to 20. */
const checkMs = 120_000;

async function typeCheck(file: string, { pretty = false, signal }: CheckOptions): Promise<Checked> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'lingerlab-check-'));
  try {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings(file)));
    const args = ['--project', join(folder, 'tsconfig.json'), '--pretty', String(pretty)];
    const result = await execa(process.execPath, [compiler(), ...args], {
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: checkMs,
      ...(signal ? { cancelSignal: signal } : {}),
    });
    signal?.throwIfAborted();
    if (result.timedOut) throw noAnswer('the type check did not end', checkMs);
    return { ok: result.exitCode === 0, output: result.all };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const wireNeeds =
  "a stage has a wire only with network: 'wire', or a function that may answer that, before the scenario";

/** What the compiler said, with what it cannot say of a wire that the network does not have. */
const explained = (said: string, source: string): string =>
  /\bwire\b/.test(source) && said.includes("does not exist on type 'never'") ? `${said}\n${wireNeeds}` : said;

const compiler = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

/**
 * This program's types: the published declarations, or the same made from a checkout's sources, which a user's own @types/node
 * and settings need not suit.
 */
function ownTypes(): string {
  const index = fileURLToPath(ownIndex);
  if (index.endsWith('.js')) return index.replace(/\.js$/, '.d.ts');
  const { version } = createRequire(import.meta.url)('typescript/package.json') as { readonly version: string };
  const make = (folder: string): string[] => declare(index, folder);
  return join(made({ name: 'declarations', how: `typescript ${version}`, make }), 'index.d.ts');
}

/** Put the declarations of a module, and of all that it imports, into a folder; the sources' paths. */
function declare(index: string, folder: string): string[] {
  const settings = {
    target: 'esnext',
    module: 'nodenext',
    rootDir: dirname(index),
    outDir: folder,
    typeRoots: ownTypeRoot(),
    types: 'node',
  };
  const flags =
    '--ignoreConfig --noCheck --declaration --emitDeclarationOnly --rewriteRelativeImportExtensions --listFiles';
  const args = [
    ...flags.split(' '),
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    index,
  ];
  const files = execFileSync(process.execPath, [compiler(), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return files.split('\n').filter((path) => path.startsWith(join(dirname(index), '/')));
}

/** The compiler's settings: as Node will run the file, by stripping its types. JavaScript is checked as strictly. */
function settings(file: string): object {
  return {
    compilerOptions: {
      target: 'esnext',
      lib: ['esnext'],
      module: 'esnext',
      moduleResolution: 'bundler',
      moduleDetection: 'force',
      paths: { lingerlab: [ownTypes()] },
      typeRoots: [typeRoot(file)],
      types: ['node'],
      strict: true,
      allowJs: true,
      checkJs: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      resolveJsonModule: true,
    },
    files: [file],
  };
}

/** The nearest node_modules/@types above a file that has Node's types; otherwise the one this program brings. */
function typeRoot(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', '@types');
    if (existsSync(join(root, 'node', 'package.json'))) return root;
    if (folder === dirname(folder)) break;
  }
  return ownTypeRoot();
}

const ownTypeRoot = (): string => dirname(dirname(createRequire(import.meta.url).resolve('@types/node/package.json')));
