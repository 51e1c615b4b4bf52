/** What a Linux distribution calls itself, from /etc/os-release, os-release(5). */
export function distributionOf(osRelease: string): string {
  const fields = new Map<string, string>();
  for (const line of osRelease.split('\n')) {
    const [, name, value] = /^\s*([A-Z_0-9]+)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, unquoted(value));
  }
  const named = [fields.get('NAME'), fields.get('VERSION_ID')].filter(Boolean).join(' ');
  return fields.get('PRETTY_NAME') || named || 'unknown';
}

const unquoted = (value: string): string => {
  const inner = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
  return inner.replace(/\\(.)/g, '$1');
};

/** Arm's own cores as MIDR_EL1 numbers them; the kernel's arch/arm64/include/asm/cputype.h. */
const armParts: Readonly<Record<string, string>> = {
  '0xd03': 'Cortex-A53',
  '0xd05': 'Cortex-A55',
  '0xd07': 'Cortex-A57',
  '0xd08': 'Cortex-A72',
  '0xd0b': 'Cortex-A76',
  '0xd0c': 'Neoverse-N1',
  '0xd40': 'Neoverse-V1',
  '0xd49': 'Neoverse-N2',
  '0xd4f': 'Neoverse-V2',
  '0xd84': 'Neoverse-V3',
  '0xd8e': 'Neoverse-N3',
};

/** Name of the processor from /proc/cpuinfo; on arm64 that file has numbers instead of a name. */
export function cpuOf(cpuinfo: string): string {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.+?)\\s*$`, 'm').exec(cpuinfo)?.[1];
  const model = field('model name');
  if (model) return model;
  const implementer = field('CPU implementer');
  const part = field('CPU part');
  if (!implementer || !part) return field('Processor') ?? 'unknown';
  const known = implementer === '0x41' ? armParts[part] : undefined;
  return known ? `ARM ${known}` : `implementer ${implementer} part ${part}`;
}

/** Where a guest can see that it is one; `null`: this machine has no such file, or it may not be read. */
export interface VirtualizationClues {
  /** /sys/class/dmi/id/sys_vendor and product_name */
  readonly dmiVendor: string | null;
  readonly dmiProduct: string | null;
  /** /sys/hypervisor/type */
  readonly hypervisorType: string | null;
  /** /proc/device-tree/hypervisor/compatible */
  readonly deviceTree: string | null;
  /** The first 36 bytes of /sys/firmware/acpi/tables/DSDT, which only root may read. */
  readonly acpiHeader: string | null;
  /** /sys/devices/system/clocksource/clocksource0/available_clocksource */
  readonly clocksources: string | null;
  readonly cpuinfo: string | null;
}

/** Names in firmware tables, most particular first: Firecracker and the clouds are KVM, too. */
const firmware: readonly (readonly [RegExp, string])[] = [
  [/FIRECK|Firecracker/i, 'firecracker'],
  [/Cloud Hypervisor|CLOUDH/i, 'cloud-hypervisor'],
  [/Amazon EC2/i, 'amazon'],
  [/Google/i, 'google'],
  [/VMware/i, 'vmware'],
  [/VirtualBox|innotek/i, 'virtualbox'],
  [/Microsoft Corporation Virtual Machine|VRTUAL/i, 'hyper-v'],
  [/Parallels/i, 'parallels'],
  [/bhyve/i, 'bhyve'],
  [/Xen/i, 'xen'],
  [/OpenStack|KubeVirt|oVirt|\bKVM\b/i, 'kvm'],
  [/QEMU|BOCHS|BXPC/i, 'qemu'],
];

const flagged = (cpuinfo: string): boolean => /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
const emulated = (cpuinfo: string): boolean => /^model name\s*:.*(QEMU|TCG)/m.test(cpuinfo);

/**
 * The hypervisor this machine is a guest of, or `none`. QEMU's firmware is the same with KVM and without;
 * KVM alone offers a paravirtual clock, which tells the two apart on x86.
 */
export function virtualizationOf(clues: VirtualizationClues): string {
  const paravirtual = clues.clocksources?.includes('kvm-clock') ?? false;
  const text = [clues.dmiVendor, clues.dmiProduct, clues.acpiHeader].filter(Boolean).join(' ');
  const isGuest = flagged(clues.cpuinfo ?? '');
  // Apart from the processor's flag, a cloud's own hardware carries the cloud's name: on x86, bare metal is not a guest.
  const bareMetal = /\.metal\b/.test(clues.dmiProduct ?? '') || (clues.cpuinfo?.includes('\nflags') && !isGuest);
  const named = bareMetal ? undefined : firmware.find(([pattern]) => pattern.test(text))?.[1];
  if (named === 'qemu' && paravirtual) return 'kvm';
  if (named) return named;
  if (clues.hypervisorType) return clues.hypervisorType.trim();
  if (clues.deviceTree) return /kvm/.test(clues.deviceTree) ? 'kvm' : 'unknown hypervisor';
  if (paravirtual) return 'kvm';
  if (emulated(clues.cpuinfo ?? '')) return 'qemu';
  return isGuest ? 'unknown hypervisor' : 'none';
}
