import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, machine, release, totalmem } from 'node:os';
import type { Environment } from '../record/schema.ts';
import { counterNames } from '../tcp/counters.ts';
import { calibrate, slownessOf } from './calibration.ts';
import { guestHere } from './guest.ts';
import { countInstructions } from './instructions.ts';
import { cpuOf, distributionOf, type VirtualizationClues, virtualizationOf } from './machine.ts';
import { socketOptionsHere } from './socket-options.ts';

/** What the caller must know of the machine; the rest is read from it. */
export type EnvironmentParts = Pick<Environment, 'hz' | 'iproute2' | 'privileged' | 'capabilities' | 'sysctls'> &
  Partial<Pick<Environment, 'accelerator' | 'slowness' | 'pinned' | 'wire' | 'calibration'>>;

const textOf = async (path: string, length?: number): Promise<string | null> => {
  try {
    return (await readFile(path, 'latin1')).slice(0, length);
  } catch {
    return null;
  }
};

async function clues(cpuinfo: string): Promise<VirtualizationClues> {
  return {
    dmiVendor: await textOf('/sys/class/dmi/id/sys_vendor'),
    dmiProduct: await textOf('/sys/class/dmi/id/product_name'),
    hypervisorType: await textOf('/sys/hypervisor/type'),
    deviceTree: await textOf('/proc/device-tree/hypervisor/compatible'),
    acpiHeader: await textOf('/sys/firmware/acpi/tables/DSDT', 36),
    clocksources: await textOf('/sys/devices/system/clocksource/clocksource0/available_clocksource'),
    cpuinfo,
  };
}

/** The Tcp and TcpExt counters that this kernel has, the same in every namespace: `TcpExt.TW`. Throws CountersError. */
export const countersHere = (): string[] =>
  counterNames(readFileSync('/proc/self/net/snmp', 'utf8'), readFileSync('/proc/self/net/netstat', 'utf8'));

/** What a guest's timings are to be read with. */
function guestParts({
  calibration,
}: EnvironmentParts): Pick<Environment, 'accelerator' | 'slowness' | 'clockRule' | 'cost'> {
  const guest = guestHere();
  const instructions = countInstructions(guest);
  return guest
    ? {
        ...guest,
        slowness: slownessOf(calibration?.before ?? calibrate()),
        ...(instructions && { cost: { instructions } }),
      }
    : { accelerator: 'none', slowness: 1 };
}

/** The machine as a run saves it. */
export async function environment(parts: EnvironmentParts): Promise<Environment> {
  const cpuinfo = (await textOf('/proc/cpuinfo')) ?? '';
  const osRelease = (await textOf('/etc/os-release')) ?? (await textOf('/usr/lib/os-release')) ?? '';
  return {
    kernel: release(),
    distribution: distributionOf(osRelease),
    arch: machine(),
    cpu: cpuOf(cpuinfo),
    cores: availableParallelism(),
    memory: totalmem(),
    virtualization: virtualizationOf(await clues(cpuinfo)),
    node: process.versions.node,
    counters: countersHere(),
    options: socketOptionsHere(),
    ...guestParts(parts),
    ...parts,
  };
}

/** How sysctls are read; synchronous, so that it can be done between setns and setns back. */
export interface SysctlFiles {
  /** Names in a folder below /proc/sys. */
  list(folder: string): readonly string[];
  /** A value, or `null` where it may not be read. */
  read(path: string): string | null;
}

/** /proc/sys of the namespace that the calling thread is in. */
export const procSys: SysctlFiles = {
  list: (folder) => {
    try {
      return readdirSync(`/proc/sys/${folder}`, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name);
    } catch {
      return [];
    }
  },
  read: (path) => {
    try {
      return readFileSync(`/proc/sys/${path}`, 'utf8');
    } catch {
      return null;
    }
  },
};

/** Random keys: secrets, and of no use in a comparison. */
const secrets = new Set(['tcp_fastopen_key', 'netdev_rss_key']);

/** `net.ipv4.tcp_*`, `net.ipv4.ip_local*` and `net.core.*` with their values, sorted by name; several numbers are separated by one space. */
export function sysctlDump(from: SysctlFiles = procSys): Record<string, string> {
  const listed = (folder: string, begins: string) =>
    from
      .list(folder)
      .filter((name) => name.startsWith(begins) && !secrets.has(name))
      .map((name) => `${folder}/${name}`);
  const paths = [
    ...listed('net/core', ''),
    ...listed('net/ipv4', 'tcp_'),
    ...listed('net/ipv4', 'ip_local'),
  ].toSorted();
  const dump: Record<string, string> = {};
  for (const path of paths) {
    const value = from.read(path);
    if (value !== null) dump[path.replaceAll('/', '.')] = value.trim().replace(/\s+/g, ' ');
  }
  return dump;
}
