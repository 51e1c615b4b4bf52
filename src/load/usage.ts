import { readFileSync } from 'node:fs';
import { othersMost, type Saturated, type Usage } from '../experiment/load.ts';
import { cpuOf, machineCpu } from '../native/cpu.ts';

/** What a load has used of the machine until now. */
export const usage = (client: number, servers: readonly number[]): Usage => ({
  client: cpuOf(client) ?? 0,
  servers: servers.reduce((total, pid) => total + (cpuOf(pid) ?? 0), 0),
  ...machineCpu(),
});

/** Share of a CPU from which a process is CPU-bound: other programs and reading the clock take the rest. */
const allOf = 0.9;

/**
 * Returns the bottleneck: a process that used all of one CPU (JavaScript runs on one); otherwise, if the machine had no idle
 * time, other programs that used much of it, or the kernel.
 */
export function saturated(used: Usage, seconds: number, servers: number, cpus: number): Saturated {
  if (used.client >= allOf * seconds) return 'client';
  if (used.servers >= allOf * seconds * servers) return 'server';
  if (used.idle > (1 - allOf) * seconds * cpus) return 'nobody';
  return othersShare(used, seconds, cpus) > othersMost ? 'others' : 'kernel';
}

/** The share of the machine that others used: programs of no concern, who watches, a hypervisor that gave it to someone else. */
export const othersShare = ({ client, servers, busy }: Usage, seconds: number, cpus: number): number =>
  Math.max(0, (busy - client - servers) / (seconds * cpus));

/** The second less the first. */
export const between = (from: Usage, to: Usage): Usage => ({
  client: to.client - from.client,
  servers: to.servers - from.servers,
  softirq: to.softirq - from.softirq,
  idle: to.idle - from.idle,
  busy: to.busy - from.busy,
});

/**
 * Bytes that the kernel takes for one TIME-WAIT of IPv4: the object size of its slab cache, slabinfo(5), struct
 * tcp_timewait_sock. undefined where /proc/slabinfo may not be read, or has no such cache because the kernel merged it.
 */
export function bytesPerTimeWait(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/slabinfo', 'latin1');
  } catch {
    return undefined;
  }
  const size = /^tw_sock_TCP\s+\d+\s+\d+\s+(\d+)\s/m.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}
