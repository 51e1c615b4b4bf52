import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LingerlabError, messageOf } from '../errors.ts';
import * as program from '../index.ts';
import { answerMs } from '../process/deadline.ts';
import { runTool } from '../process/tool.ts';
import { didYouMean, nearest } from '../text/nearest.ts';

/** Why a user's file cannot be read. */
export async function unreadable(path: string, cause: unknown): Promise<LingerlabError> {
  const code = codeOf(cause);
  const [what, remedy] =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? [`there is no file ${path}${await nearFile(path)}`, `give the path of a file; from here it is ${resolve(path)}`]
      : code === 'EISDIR'
        ? [`${path} is a folder`, 'give the path of one file in it']
        : [`cannot read ${path}: ${messageOf(cause)}`, 'make the file readable for this user'];
  return new LingerlabError('EXPERIMENT_LOAD', what, remedy, { cause });
}

/** What was wrong with a file that could not be imported, and where; `origin` is what the message calls it. */
export async function refusal(file: string, origin: string, cause: unknown): Promise<LingerlabError> {
  const make = (code: 'EXPERIMENT_SYNTAX' | 'EXPERIMENT_LOAD', message: string, remedy: string): LingerlabError =>
    new LingerlabError(code, message, remedy, { cause });
  const message = messageOf(cause);
  if (cause instanceof LingerlabError)
    return make('EXPERIMENT_LOAD', `while ${origin} was loaded, ${message}`, cause.remedy).from(cause);
  const shown = (frame: Frame | undefined): string => (frame ? place(frame, file, origin) : origin);
  switch (codeOf(cause)) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX': {
      const frame = frameIn(stackOf(cause));
      return make('EXPERIMENT_SYNTAX', `${shown(frame)}: ${message}${source(frame)}`, insteadOf(message));
    }
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return make(
        'EXPERIMENT_LOAD',
        `${origin}: TypeScript inside node_modules is not loaded`,
        'copy the file to a folder outside node_modules, or compile it to JavaScript',
      );
    case 'ERR_MODULE_NOT_FOUND':
      return make('EXPERIMENT_LOAD', `${origin}: ${message}${await nearImport(message)}`, importRemedy(message));
  }
  if (cause instanceof SyntaxError && / does not provide an export named /.test(message)) {
    const frame = frameIn(stackOf(cause));
    return make('EXPERIMENT_LOAD', `${shown(frame)}: ${message}${nearExport(message)}${source(frame)}`, typeRemedy);
  }
  if (cause instanceof SyntaxError) {
    const frame = frameIn(stackOf(cause)) ?? (await frameByCheck(file));
    const said = frame ? `${shown(frame)}: ${message}${source(frame)}` : `${origin}, or a file it imports: ${message}`;
    return make('EXPERIMENT_SYNTAX', said, 'correct the syntax');
  }
  const thrown = cause instanceof Error ? `${cause.name}: ${message}` : message;
  return make(
    'EXPERIMENT_LOAD',
    `${origin}${lineIn(stackOf(cause), file)} threw while loading: ${thrown}`,
    'move this code into the scenario: a file may only declare its experiment',
  );
}

const codeOf = (thrown: unknown): unknown => (thrown as { readonly code?: unknown } | null)?.code;
const stackOf = (thrown: unknown): string => (thrown instanceof Error ? (thrown.stack ?? '') : '');

interface Frame {
  readonly path: string;
  readonly line: number;
  readonly column: number | undefined;
  /** The source line and the mark below it. */
  readonly source: readonly string[];
}

/** The position with which Node heads the text of a syntax error: `path:line`, source, a line of `^`. */
function frameIn(text: string): Frame | undefined {
  const [head = '', ...rest] = text.split('\n');
  const [, path, line] = /^(.*):(\d+)$/.exec(head) ?? [];
  if (path === undefined) return undefined;
  const mark = rest.findIndex((text) => /^\s*\^+$/.test(text));
  return {
    path: path.startsWith('file:') ? fileURLToPath(path) : path,
    line: Number(line),
    column: mark > 0 ? rest[mark]!.indexOf('^') + 1 : undefined,
    source: mark > 0 ? rest.slice(mark - 1, mark + 1) : [],
  };
}

/**
 * Finds the position of a syntax error in a JavaScript module by `node --check`. Node prints that position only when it
 * exits because of the error.
 */
async function frameByCheck(file: string): Promise<Frame | undefined> {
  const asked = runTool(process.execPath, ['--check', file], { deadlineMs: answerMs });
  return frameIn(await asked.then(({ problem }) => problem).catch(() => ''));
}

const place = ({ path, line, column }: Frame, file: string, origin: string): string =>
  `${path === file ? origin : path}:${line}${column === undefined ? '' : `:${column}`}`;
const source = (frame: Frame | undefined): string => frame?.source.map((line) => `\n    ${line}`).join('') ?? '';

/** `:3:7` of the innermost call in the file itself. */
function lineIn(stack: string, file: string): string {
  const at = stack.indexOf(`${pathToFileURL(file).href}:`);
  return at < 0 ? '' : (/:\d+:\d+/.exec(stack.slice(at))?.[0] ?? '');
}

function insteadOf(message: string): string {
  if (/enum/.test(message))
    return "types are stripped, not compiled: write a union, 'a' | 'b', or an object `as const`";
  if (/parameter property/.test(message)) return 'types are stripped, not compiled: declare the field and assign to it';
  if (/namespace|module/.test(message)) return 'types are stripped, not compiled: make the namespace a file of its own';
  return 'types are stripped, not compiled: use only syntax that goes away with them';
}

const typeRemedy = 'what is only a type is imported by `import type { … }`';
const importRemedy = (message: string): string =>
  /package '/.test(message)
    ? 'install the package beside the file, or do without it'
    : 'an import names the whole file, with its extension: ./shared.ts';

async function nearImport(message: string): Promise<string> {
  const missing = /Cannot find module '([^']+)'/.exec(message)?.[1];
  return missing === undefined ? '' : nearFile(missing);
}

function nearExport(message: string): string {
  const [, from, name] = /requested module '([^']+)' does not provide an export named '([^']+)'/.exec(message) ?? [];
  return from === 'lingerlab' && name !== undefined ? didYouMean(name, Object.keys(program)) : '';
}

/** The file beside a missing one that was probably meant. */
async function nearFile(path: string): Promise<string> {
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const meant = nearest(basename(path), names);
  return meant === undefined ? '' : ` (did you mean "${join(dirname(path), meant)}"?)`;
}
