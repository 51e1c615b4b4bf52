import { execFileSync } from 'node:child_process';
import { entryPoint } from '../process/entry.ts';
import type { Counted } from './counted.ts';
import type { GuestHere } from './guest.ts';

/**
 * Instructions that this kernel takes for each connection, with the same few hundred of the program: in a guest in virtual time an
 * instruction is a nanosecond of its clock, so that the same kernel takes the same number whatever the host does. A new process with one
 * thread counts: what this one has on its heap, and compiles, is another thing from run to run. Undefined elsewhere, where time is no
 * count, and where the process failed, which is no cell's matter.
 */
export function countInstructions(guest: GuestHere | undefined): Counted | undefined {
  if (guest?.clockRule !== 'virtual') return undefined;
  try {
    const printed = execFileSync(process.execPath, ['--single-threaded', entryPoint('doctor/counting')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(printed) as Counted;
  } catch {
    return undefined;
  }
}
