/** The program under its own runtime. */
import { cli } from './cli.ts';
import { endQuietly } from './commands/output.ts';
import { dieWithParent } from './native/process.ts';

const parent = process.env.LINGERLAB_PARENT;
// started by bin.js under another Node: not to outlive it, and to clean up when it is killed
if (parent) {
  delete process.env.LINGERLAB_PARENT;
  dieWithParent(Number(parent), 'SIGTERM');
}
endQuietly();
process.exitCode = await cli(process.argv.slice(2));
