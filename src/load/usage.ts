import { readFileSync } from 'node:fs';
import { cpuOf } from '../native/cpu.ts';

/** Ticks of /proc/stat a second, whatever HZ is: USER_HZ. */
const userHz = 100;

/** Seconds of CPU until now. */
export interface Usage {
  readonly client: number;
  readonly servers: number;
  /** Of the whole machine, in softirqs: proc_stat(5). In steps of 10 ms. */
  readonly softirq: number;
  /** Of all its CPUs, idle or waiting for I/O. In steps of 10 ms. */
  readonly idle: number;
}

/** proc_stat(5): user nice system idle iowait irq softirq. */
function machine(): Pick<Usage, 'softirq' | 'idle'> {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  const ticks = line.trim().split(/\s+/).slice(1).map(Number);
  const [idle = 0, iowait = 0] = ticks.slice(3);
  return { softirq: (ticks[6] ?? 0) / userHz, idle: (idle + iowait) / userHz };
}

/** What a load has used of the machine until now. */
export const usage = (client: number, servers: readonly number[]): Usage => ({
  client: cpuOf(client) ?? 0,
  servers: servers.reduce((total, pid) => total + (cpuOf(pid) ?? 0), 0),
  ...machine(),
});

/** Who had no more CPU to give. */
export type Saturated = 'client' | 'server' | 'kernel' | 'nobody';

/** So much of a CPU is all of it: the rest went to others and to reading the clock. */
const allOf = 0.9;

/**
 * Who was the bottleneck: a process that used all of one CPU (JavaScript runs on one), or the machine where nothing of it was
 * idle although no process was at its end.
 */
export function saturated(used: Usage, seconds: number, servers: number, cpus: number): Saturated {
  if (used.client >= allOf * seconds) return 'client';
  if (used.servers >= allOf * seconds * servers) return 'server';
  return used.idle <= (1 - allOf) * seconds * cpus ? 'kernel' : 'nobody';
}

/** The second less the first. */
export const between = (from: Usage, to: Usage): Usage => ({
  client: to.client - from.client,
  servers: to.servers - from.servers,
  softirq: to.softirq - from.softirq,
  idle: to.idle - from.idle,
});
