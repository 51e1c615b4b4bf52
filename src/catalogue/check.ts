import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import { labSysctlNames } from '../doctor/doctor.ts';
import { countersHere } from '../doctor/environment.ts';
import { headed, LingerlabError } from '../errors.ts';
import { countersIn } from '../facts/counters.ts';
import { cellsOf, type PlannedCell } from '../plan/cells.ts';
import { dotted, sysctlMeant } from '../plan/runnable.ts';
import { noAnswer } from '../process/deadline.ts';
import { made } from '../process/made.ts';
import { claimsWithoutCells } from '../verdict/claims.ts';
import { lackedCounters } from '../verdict/facts.ts';
import { loadFile, sourceOf } from './load.ts';
import { ownIndex } from './program.ts';

/** What `lingerlab check` found in a file. */
export interface Checked {
  readonly ok: boolean;
  /** What the compiler said, what is not awaited, and what is wrong with the definition; empty where nothing is. */
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
 * Check a user's experiment: its types against this program's own, that it awaits its steps, that it loads, what it defines, that
 * its functions of the cell answer for each cell, and that each claim speaks of one. `path` is relative to the working directory.
 * Throws EXPERIMENT_LOAD where there is no such file, or none that an experiment can be in; everything wrong inside it is in the result.
 */
export async function checkFile(path: string, options: CheckOptions = {}): Promise<Checked> {
  const file = resolve(path);
  const source = (await sourceOf(path)).toString();
  const inputs = { path, file, source };
  const [types, floating] = await Promise.all([typeCheck(inputs, options), unawaited(inputs, options)]);
  const loaded = await defined(inputs);
  // the compiler has reported the syntax error already, together with all others
  const twice = types.length > 0 && loaded.problems.some(({ code }) => code === 'EXPERIMENT_SYNTAX');
  const problems = [...types, ...floating.problems, ...(twice ? [] : loaded.problems)];
  const notes = [...floating.notes, ...loaded.notes];
  return {
    ok: problems.length === 0,
    output: problems.map(headed).join(''),
    ...(notes.length > 0 && { notes }),
  };
}

/** A user's file. */
interface Input {
  /** As the user gave it. */
  readonly path: string;
  readonly file: string;
  readonly source: string;
}

interface Found {
  readonly problems: readonly LingerlabError[];
  readonly notes: readonly string[];
}

/** What loading a file shows. */
async function defined(input: Input): Promise<Found> {
  const { path } = input;
  try {
    const { definition } = await loadFile(path);
    const cells = cellsOf(definition);
    const factorsOf = (some: readonly PlannedCell[]) => some.map(({ factors }) => ({ ...factors }));
    const never = claimsWithoutCells(definition, factorsOf(cells)).map(({ text }) => text);
    const notByDefault = claimsWithoutCells(definition, factorsOf(cells.filter(({ isDefault }) => isDefault)))
      .map(({ text }) => text)
      .filter((text) => !never.includes(text));
    return {
      problems: never.map(
        (text) => new LingerlabError('BAD_DEFINITION', `${path}: ${text}`, "correct the claim's `when`"),
      ),
      notes: [
        ...notByDefault.map((text) => `${text} that run without --all`),
        ...lackedHere(input, definition.shows ?? []),
        ...sysctlsMissing(input, cells),
      ],
    };
  } catch (thrown) {
    if (!(thrown instanceof LingerlabError)) throw thrown;
    // what the text alone shows is said in the same round
    return { problems: [thrown], notes: [...lackedHere(input, []), ...sysctlsMissing(input, [])] };
  }
}

/** Where a file first has a text, `FILE:LINE:COLUMN: ` before what is said of it; nothing where it is composed. */
function placeOf({ path, source }: Input, text: string): string {
  const at = source.indexOf(text);
  if (at < 0) return '';
  const before = source.slice(0, at).split('\n');
  return `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: `;
}

/** A sysctl as a file names it: to set it, or to read it. */
const namedSysctls = /(?<=(['"`]))net\.(?:core|ipv4|ipv6)\.[\w.-]+(?=\1)/g;

/** Sysctls that a file names or cells set, and this kernel does not have: another kernel may, so that it is no mistake for sure. */
function sysctlsMissing(input: Input, cells: readonly PlannedCell[]): string[] {
  const set = cells.flatMap(({ sysctls }) => Object.keys(sysctls));
  const named = new Set([...set, ...(input.source.match(namedSysctls) ?? [])]);
  if (named.size === 0) return [];
  const here = labSysctlNames();
  return [...named]
    .filter((name) => !here.has(dotted(name)))
    .map(
      (name) =>
        `${placeOf(input, name)}${name}: this kernel has no such sysctl in a network namespace${sysctlMeant(dotted(name), here)}; cells that set it do not run here`,
    );
}

/** Counters that the file names and this kernel does not have, or that count nothing: a claim that reads one is inconclusive here. */
function lackedHere(input: Input, shows: readonly string[]): string[] {
  const named = [...countersIn(input.source), ...shows];
  const { unknown } = lackedCounters(named, new Set(countersHere()));
  return Object.entries(unknown).map(
    ([name, { text }]) =>
      `${placeOf(input, name)}${name}: ${text}; what reads it is inconclusive here. \`nstat -az\` lists the counters`,
  );
}

/** The compiler takes a second or two, on an emulated machine up to 20. */
const checkMs = 120_000;

interface Looking {
  readonly what: string;
  readonly args: (folder: string) => readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** Have a program of Node's look at a file by settings for the compiler; what it wrote. */
async function lookedAt(
  settings: object,
  { what, args, signal, env = {} }: Looking,
  files: Readonly<Record<string, string>> = {},
) {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'lingerlab-check-'));
  try {
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const result = await execa(process.execPath, args(folder), {
      reject: false,
      stdin: 'ignore',
      timeout: checkMs,
      env,
      ...(signal ? { cancelSignal: signal } : {}),
    });
    signal?.throwIfAborted();
    if (result.timedOut) throw noAnswer(`${what} did not end`, checkMs);
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function typeCheck(
  { path, file, source }: Input,
  { pretty = false, signal }: CheckOptions,
): Promise<readonly LingerlabError[]> {
  const args = (folder: string) => [
    compiler(),
    ...['--project', join(folder, 'tsconfig.json'), '--pretty', String(pretty)],
  ];
  const { exitCode, stdout, stderr } = await lookedAt(settings(file), { what: 'the type check', args, signal });
  if (exitCode === 0) return [];
  const said = explained([stdout, stderr].filter((text) => text !== '').join('\n'), source);
  return [new LingerlabError('EXPERIMENT_TYPES', `${path} has type errors:\n${said}`, 'correct these lines')];
}

/** What oxlint writes of each finding, as far as it is read. */
const findings = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string().optional(),
      labels: z.array(z.object({ span: z.object({ line: z.number(), column: z.number() }) })),
    }),
  ),
});

const floatingRule = 'typescript/no-floating-promises';

/**
 * Promises that a file does not await: the linter's rule, which takes settings for the compiler from the folders around a file.
 * Those are the user's, so it looks at a copy, below a folder of ours, whose imports are found beside the original: `rootDirs`.
 */
async function unawaited({ path, file, source }: Input, { signal }: CheckOptions): Promise<Found> {
  const linter = linterHere();
  if (!linter)
    return { problems: [], notes: [`${path}: steps that are not awaited were not looked for: oxlint is missing`] };
  const { compilerOptions } = settings(file);
  const copied = { compilerOptions: { ...compilerOptions, rootDirs: ['./', '/'] }, files: [join('./', file)] };
  const args = (folder: string) => [
    linter.program,
    ...['--type-aware', '-A', 'all', '-D', floatingRule, '-f', 'json', join(folder, file)],
  ];
  const looking = { what: 'the linter', args, signal, env: linter.env };
  const { stdout, stderr } = await lookedAt(copied, looking, { [file]: source });
  const parsed = findings.safeParse(json(stdout));
  if (!parsed.success) {
    const said = (stdout || stderr).trim().split('\n')[0];
    return { problems: [], notes: [`${path}: steps that are not awaited were not looked for: oxlint wrote ${said}`] };
  }
  const lines = source.split('\n');
  const places = parsed.data.diagnostics
    .filter(({ code }) => code?.includes('no-floating-promises'))
    .flatMap(({ labels: [label] }) => label?.span ?? []);
  if (places.length === 0) return { problems: [], notes: [] };
  const listed = places.map(
    ({ line, column }) => `${path}:${line}:${column}: ${(lines[line - 1] ?? '').slice(column - 1).trim()}`,
  );
  const message = `${path} does not await what it starts:\n${listed.join('\n')}`;
  const remedy = 'write `await` before each; before one that is not to be awaited, `void`';
  return { problems: [new LingerlabError('STEP_UNAWAITED', message, remedy)], notes: [] };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The linter's program, and the one that it asks about types, which it would look for around the working directory. */
function linterHere(): { readonly program: string; readonly env: Readonly<Record<string, string>> } | undefined {
  const { resolve } = createRequire(import.meta.url);
  try {
    const ofTypes = createRequire(resolve('oxlint-tsgolint/package.json'));
    const types = ofTypes.resolve(`@oxlint-tsgolint/${process.platform}-${process.arch}/tsgolint`);
    return {
      program: join(dirname(resolve('oxlint/package.json')), 'bin', 'oxlint'),
      env: { OXLINT_TSGOLINT_PATH: types },
    };
  } catch {
    return undefined;
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
function settings(file: string) {
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
