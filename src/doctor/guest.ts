import { readFileSync } from 'node:fs';

/** What the kernel's command line says of a guest that `kernels` booted: `lingerlab.guest=tcg,virtual`. */
export interface GuestHere {
  readonly accelerator: string;
  /** Virtual: an instruction takes 1 ns of its clock, and idle time is skipped. Real: the host's clock. */
  readonly clockRule: 'virtual' | 'real';
}

/** How this machine was booted; undefined where not by `kernels`. */
export function guestIn(commandLine: string): GuestHere | undefined {
  const [, accelerator, clockRule] = /(?:^|\s)lingerlab\.guest=(\w+),(virtual|real)(?:\s|$)/.exec(commandLine) ?? [];
  return accelerator ? { accelerator, clockRule: clockRule as GuestHere['clockRule'] } : undefined;
}

export function guestHere(): GuestHere | undefined {
  try {
    return guestIn(readFileSync('/proc/cmdline', 'utf8'));
  } catch {
    return undefined;
  }
}
