import { cli } from './cli.ts';
import { endQuietly, keepOthersFromStdout } from './commands/output.ts';
import { orphanedSignal } from './process/ending.ts';
import { exitProgram } from './process/experiment-code.ts';

export * from './index.ts';

/** Longer than anything of this program's takes to end behind a command. */
const lingerMs = 2000;

/**
 * The program under its own runtime. A function: an experiment imports the bundle that this is in, which must have been evaluated
 * by then.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const parent = process.env.LINGERLAB_PARENT;
  // started by bin.js under another Node: not to outlive it, and to clean up when it is killed
  if (parent) {
    delete process.env.LINGERLAB_PARENT;
    const { dieWithParent } = await import('./native/process.ts');
    dieWithParent(Number(parent), orphanedSignal);
  }
  endQuietly();
  keepOthersFromStdout();
  process.exitCode = await cli(argv);
  // what an experiment left, a timer or a socket, is nobody's now; what was written is out: writing is synchronous on Linux
  setTimeout(() => exitProgram(Number(process.exitCode)), lingerMs).unref();
}
