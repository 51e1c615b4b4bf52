import type { Address } from '../../tcp/address.ts';
import type { EventFormat } from './format.ts';

/**
 * The event's filter for ports from `from` up to, not including, `to` at either end, in terms of the fields that this kernel's
 * event has. Null where it has no ports in fields of their own: such events are let through by {@link withinPorts} only.
 */
export function portFilter({ fields }: EventFormat, from: number, to: number): string | null {
  if (!fields.has('sport') || !fields.has('dport')) return null;
  const ports = `(sport >= ${from} && sport < ${to}) || (dport >= ${from} && dport < ${to})`;
  return fields.has('protocol') ? `protocol == 6 && (${ports})` : ports;
}

/** Whether a flow has a port from `from` up to, not including, `to` at either end: what {@link portFilter} asks of the kernel. */
export function withinPorts(
  { local, remote }: { readonly local: Address; readonly remote: Address },
  from: number,
  to: number,
): boolean {
  return (local.port >= from && local.port < to) || (remote.port >= from && remote.port < to);
}

/** The kernel function that ends a mini-socket: TIME-WAIT's, or an orphan's FIN-WAIT-2. */
export const miniTimerFunction = 'tw_timer_handler';

/** The filter of `timer_start` and `timer_expire_entry` for the timers of mini-sockets, on kernels that know `.function` (not 6.1). */
export const miniTimerFilter = `function.function == ${miniTimerFunction}`;

/**
 * The same by the function's address, for kernels that refuse {@link miniTimerFilter}: from the text of /proc/kallsyms.
 * Null where the address is absent or hidden (kernel.kptr_restrict).
 */
export function miniTimerFilterByAddress(kallsyms: string): string | null {
  const address = new RegExp(`^([0-9a-f]+) \\w ${miniTimerFunction}$`, 'm').exec(kallsyms)?.[1];
  return address === undefined || /^0+$/.test(address) ? null : `function == 0x${address}`;
}
