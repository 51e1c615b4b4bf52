import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type ExitCode, exitCode } from '../errors.ts';
import { endSignals, orphanedSignal } from '../process/ending.ts';
import { runTool } from '../process/tool.ts';

const mark = 'LINGERLAB_USER_NAMESPACE';

/** unshare(1) can make such a namespace here, in time. */
const possible = async (asRoot: readonly string[]): Promise<boolean> =>
  runTool('unshare', [...asRoot, 'true']).then(
    ({ problem }) => problem === '',
    () => false,
  );

/**
 * Without root, start the program again as root of a user namespace of its own, user_namespaces(7): there it may make
 * network namespaces. Where the kernel forbids that, go on as we are: what follows says what is missing.
 */
export async function inOwnNamespace(call: () => Promise<ExitCode>): Promise<ExitCode> {
  if (process.geteuid?.() === 0 || process.env[mark]) return call();
  // with a network namespace of its own to come back to: into the host's, setns(2) is refused without root
  const asRoot = ['--user', '--map-root-user', '--net', '--'];
  if (!(await possible(asRoot))) return call();
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // without --fork, unshare(1) becomes the program, and signals reach it; it asks the kernel for a signal should this process be killed
  const child = spawn('unshare', [...asRoot, ...again], {
    stdio: 'inherit',
    env: { ...process.env, [mark]: '1', LINGERLAB_PARENT: String(process.pid) },
  });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  // Ctrl-C in a terminal reaches the program itself, too; it takes two signals in a moment for one
  for (const signal of [...endSignals, orphanedSignal] as const) process.on(signal, pass);
  return new Promise((resolve) => {
    child.on('error', () => resolve(exitCode.failed));
    child.on('exit', (code, signal) => {
      resolve((code ?? (signal ? 128 + constants.signals[signal] : exitCode.failed)) as ExitCode);
    });
  });
}
