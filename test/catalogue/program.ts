import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a call in the program answered: its value as JSON can carry it, or its error. */
export interface Called<T> {
  readonly value?: T;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
  /** What it wrote. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A call of an exported function. */
export interface Asked {
  readonly cwd: string;
  /** The path of the module. */
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Start a process that answers calls: the test runner has its own way to import files, which a user's does not have. */
const start = () =>
  fork(fileURLToPath(new URL('calls.ts', import.meta.url)), { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });

async function ask<T>(child: ChildProcess, asked: Asked): Promise<Called<T>> {
  child.send(asked);
  const [answer] = (await once(child, 'message')) as [Called<T>];
  return answer;
}

const askedOf = (cwd: string, module: string, name: string, args: readonly unknown[]): Asked => ({
  cwd,
  module: join(root, 'src', module),
  name,
  args,
});

let shared: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Call an exported function of a module, `catalogue/load.ts`, in that folder, in a process that serves all tests of this one
 * and ends with it.
 */
export function call<T>(cwd: string, module: string, name: string, args: readonly unknown[]): Promise<Called<T>> {
  shared ??= start();
  const child = shared;
  child.unref();
  child.channel?.unref();
  const answer = last.then(() => ask<T>(child, askedOf(cwd, module, name, args)));
  last = answer;
  return answer;
}

/** The same in a process of its own: with all that Node and the called code wrote to standard error. */
export async function callAlone<T>(
  cwd: string,
  module: string,
  name: string,
  args: readonly unknown[],
): Promise<Called<T>> {
  const child = start();
  const [answer, stderr] = await Promise.all([
    ask<T>(child, askedOf(cwd, module, name, args)).finally(() => child.disconnect()),
    text(child.stderr!),
  ]);
  return { ...answer, stderr: answer.stderr + stderr };
}

/** `lingerlab` with these arguments, without a process of its own; never rejects. */
export async function commandLine(
  args: readonly string[],
  cwd = '/',
): Promise<{ readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string }> {
  const { value, ...written } = await call<number>(cwd, 'cli.ts', 'cli', [args]);
  return { exitCode: value, ...written };
}

/** A new folder outside the repository with these files, removed in the end. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'lingerlab-test-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** The text of a user's right file, in which tests make mistakes. */
export const question: string = readFileSync(new URL('my-question.ts', import.meta.url), 'utf8');
