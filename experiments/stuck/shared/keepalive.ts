import type { Endpoint } from 'lingerlab';
import { lasts, leastOf, mostOf } from './timers.ts';

/** Options of keepalive, tcp(7); times in seconds. Without a count it is the kernel's own. */
export interface Keepalive {
  readonly TCP_KEEPIDLE: number;
  readonly TCP_KEEPINTVL: number;
  readonly TCP_KEEPCNT?: number;
}

/** Switches keepalive on, once its times are set. */
export async function keepAlive(endpoint: Pick<Endpoint, 'set'>, keepalive: Keepalive): Promise<void> {
  await endpoint.set('TCP_KEEPIDLE', keepalive.TCP_KEEPIDLE);
  await endpoint.set('TCP_KEEPINTVL', keepalive.TCP_KEEPINTVL);
  if (keepalive.TCP_KEEPCNT !== undefined) await endpoint.set('TCP_KEEPCNT', keepalive.TCP_KEEPCNT);
  await endpoint.set('SO_KEEPALIVE', true);
}

/** When an end sent probes and gave up, in seconds from the last segment that it had received before. */
interface Probed {
  readonly probedAt: readonly number[];
  readonly gaveUpAfter: number;
  /** Most seconds that had passed when keepalive was switched on: the kernel counts the idle time from there at the latest. */
  readonly keptWithin: number;
}

/** Whether the first probe left after the idle time, and the others and the end followed each after one interval. */
export function isProbedInTime({ probedAt, gaveUpAfter, keptWithin }: Probed, keepalive: Keepalive): boolean {
  const [first, ...later] = [...probedAt, gaveUpAfter];
  const gaps = later.map((at, index) => at - [first, ...later][index]!);
  return (
    first !== undefined &&
    first >= leastOf(keepalive.TCP_KEEPIDLE) &&
    first - keptWithin <= mostOf(keepalive.TCP_KEEPIDLE) &&
    gaps.every((gap) => lasts(gap, keepalive.TCP_KEEPINTVL))
  );
}
