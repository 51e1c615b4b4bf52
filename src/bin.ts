#!/usr/bin/env node
/**
 * The command `lingerlab`. Starts under any Node that npm runs on, and goes on under the pinned one: a package that is
 * installed globally is started by the user's Node. Imports nothing but Node's own modules, in syntax that Node 20 reads.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `await using`, type stripping and module.registerHooks: what the program needs of its runtime. */
const neededMajor = 24;
const main = join(dirname(fileURLToPath(import.meta.url)), 'main.js');

/** The runtime that npm installed beside this package. */
function pinnedRuntime(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const path = join(dirname(manifest), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

const runtime = pinnedRuntime();
if (Number(process.versions.node.split('.')[0]) >= neededMajor) await import('./main.js');
else if (runtime) passOn(runtime);
else {
  process.stderr.write(
    `lingerlab: NO_RUNTIME: this is Node.js ${process.version}, and node-linux-${process.arch} is not installed beside it\n` +
      `  install Node.js ${neededMajor} or newer, or reinstall lingerlab without --omit=optional (Linux on x64 or arm64)\n`,
  );
  process.exitCode = 3;
}

/** Run the program under another Node, as if this process were that one. */
function passOn(path: string): void {
  const child = spawn(path, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, LINGERLAB_PARENT: String(process.pid) },
  });
  // Ctrl-C in a terminal reaches both, so the program takes two signals in a moment for one
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`lingerlab: NO_RUNTIME: ${path}: ${error.message}\n`);
    process.exitCode = 3;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
  });
}
