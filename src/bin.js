#!/usr/bin/env node
/**
 * The command `lingerlab`. Starts under any Node that npm runs on, and goes on under the pinned one: a package that is
 * installed globally is started by the user's Node. Imports nothing but Node's own modules, in syntax that Node 20 reads.
 *
 * A checkout runs its sources, a package what was compiled from them. JavaScript, so that nothing has to be compiled first.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `await using`, type stripping and module.registerHooks: what the program needs of its runtime. */
const neededMajor = 24;
const here = dirname(fileURLToPath(import.meta.url));
const isCheckout = existsSync(join(here, 'main.ts'));
const modules = isCheckout ? here : join(here, '..', 'dist', 'src');

/** The runtime that npm installed beside this package. */
function pinnedRuntime() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const path = join(dirname(manifest), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What to import: the bundle of the program, or its modules one by one where the bundle cannot be made. */
async function program() {
  const extension = isCheckout ? 'ts' : 'js';
  const href = (/** @type {string} */ path) => pathToFileURL(path).href;
  try {
    const { programBundle } = await import(href(join(modules, 'process', `entry.${extension}`)));
    return href(programBundle());
  } catch {
    // whatever needs it says why: a checkout may have been installed without the bundler
    return href(join(modules, `main.${extension}`));
  }
}

const runtime = pinnedRuntime();
if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  // stripping types and compiling took 0.45 s of CPU at each start; Node keeps the outcome by the sources' content
  if (isCheckout) module.enableCompileCache(join(here, '..', 'node_modules', '.cache', 'lingerlab', 'compiled'));
  const { main } = await import(await program());
  await main(process.argv.slice(2));
} else if (runtime) passOn(runtime);
else {
  process.stderr.write(
    `lingerlab: NO_RUNTIME: this is Node.js ${process.version}, and node-linux-${process.arch} is not installed beside it\n` +
      `  install Node.js ${neededMajor} or newer, or reinstall lingerlab without --omit=optional (Linux on x64 or arm64)\n`,
  );
  process.exitCode = 3;
}

/**
 * Run the program under another Node, as if this process were that one.
 * @param {string} path
 */
function passOn(path) {
  const child = spawn(path, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, LINGERLAB_PARENT: String(process.pid) },
  });
  // Ctrl-C in a terminal reaches both, so the program takes two signals in a moment for one
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`lingerlab: NO_RUNTIME: ${path}: ${error.message}\n`);
    process.exitCode = 3;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
  });
}
