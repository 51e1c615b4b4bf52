import { constants } from 'node:os';
import { execa } from 'execa';
import { type ExitCode, exitCode } from '../errors.ts';

const mark = 'LINGERLAB_USER_NAMESPACE';

/**
 * Without root, start the program again as root of a user namespace of its own, user_namespaces(7): there it may make
 * network namespaces. Where the kernel forbids that, go on as we are: what follows says what is missing.
 */
export async function inOwnNamespace(call: () => Promise<ExitCode>): Promise<ExitCode> {
  if (process.geteuid?.() === 0 || process.env[mark]) return call();
  // with a network namespace of its own to come back to: into the host's, setns(2) is refused without root
  const asRoot = ['--user', '--map-root-user', '--net', '--kill-child=SIGTERM', '--'];
  const possible = await execa('unshare', [...asRoot, 'true'], { reject: false });
  if (possible.failed) return call();
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = execa('unshare', [...asRoot, ...again], {
    stdio: 'inherit',
    reject: false,
    env: { [mark]: '1', LINGERLAB_PARENT: undefined },
  });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  // Ctrl-C in a terminal reaches the program itself, too; it takes two signals in a moment for one
  process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass);
  const { exitCode: code, signal } = await child;
  return (code ?? (signal ? 128 + constants.signals[signal] : exitCode.failed)) as ExitCode;
}
