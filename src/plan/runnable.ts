import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { guestHere } from '../doctor/guest.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { distance, nearest } from '../text/nearest.ts';
import type { PlannedCell } from './cells.ts';

/** Whether the PATH, or a path, leads to a program that this user may run. */
function onPath(program: string): boolean {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why a cell cannot run here, and what would let it. */
export interface Obstacle {
  /** Stable: scripts may select by it. */
  readonly code:
    | 'NO_NAMESPACES'
    | 'NO_VETH'
    | 'NO_OTHER_USER'
    | 'NO_OWN_KERNEL'
    | 'NO_TUN'
    | 'NO_SYSCTL'
    | 'NO_PROGRAM';
  readonly reason: string;
  readonly remedy: string;
}

/** A sysctl's name with dots, however it was written: sysctl(8) takes `net/ipv4/tcp_fin_timeout`, too. */
export const dotted = (sysctl: string): string => sysctl.replaceAll('/', '.');

const leafOf = (sysctl: string): string => sysctl.slice(sysctl.lastIndexOf('.') + 1);

/** ` (did you mean "net.core.somaxconn"?)` behind a sysctl's name that is none of these: its last part decides, then the rest. */
export function sysctlMeant(name: string, names: ReadonlySet<string>): string {
  const leaf = nearest(leafOf(name), new Set([...names].map(leafOf)));
  const [meant] = [...names]
    .filter((each) => leafOf(each) === leaf)
    .toSorted((a, b) => distance(a, name) - distance(b, name));
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`;
}

/**
 * Why this machine cannot run a cell; undefined where it can. `capabilities` by name as `doctor` finds them, one that is
 * not named is absent; `sysctls`: dotted names of the files under /proc/sys that exist in a namespace of its own; `isOnPath`: whether
 * there is such a program; `isOwnKernel`: whether nobody else depends on the settings of this kernel.
 */
export function whyNot(
  cell: Pick<PlannedCell, 'experiment' | 'network' | 'sysctls' | 'needs'>,
  capabilities: Readonly<Record<string, boolean>>,
  sysctls: ReadonlySet<string>,
  isOnPath: (program: string) => boolean = onPath,
  isOwnKernel: () => boolean = () => guestHere() !== undefined,
): Obstacle | undefined {
  const can = (name: string): boolean => Object.hasOwn(capabilities, name) && capabilities[name] === true;
  if (!can('namespaces')) {
    return {
      code: 'NO_NAMESPACES',
      reason: 'this process cannot make network namespaces',
      remedy:
        'run as root, or allow user namespaces without root; `lingerlab doctor` names the setting that forbids it',
    };
  }
  if ((cell.network === 'veth' || cell.network === 'routed') && !can('veth')) {
    return {
      code: 'NO_VETH',
      reason: 'this kernel cannot make veth devices',
      remedy: 'load the module with `modprobe veth`, or boot a kernel that was built with CONFIG_VETH',
    };
  }
  if (cell.needs.includes('another-user') && !can('otherUser')) {
    return {
      code: 'NO_OTHER_USER',
      reason:
        'this process cannot become another user: only one is mapped in its user namespace, or it may not set user ids',
      remedy: 'run as root',
    };
  }
  if (cell.needs.includes('own-kernel') && !isOwnKernel()) {
    return {
      code: 'NO_OWN_KERNEL',
      reason: 'it changes settings of the whole kernel, on which other programs of this machine depend',
      remedy: `run it in a virtual machine: \`lingerlab kernels run 6.12 -- ${cell.experiment}\``,
    };
  }
  if (cell.network === 'wire' && !can('tun')) {
    return {
      code: 'NO_TUN',
      reason: 'this process cannot make TUN devices, which the wire is made of',
      remedy: 'run as root, load the module (`modprobe tun`); in a container, pass the device /dev/net/tun',
    };
  }
  const lacking = cell.needs
    .flatMap((need) => /^program:(.+)$/.exec(need)?.[1] ?? [])
    .filter((program) => !isOnPath(program));
  if (lacking.length > 0) {
    return {
      code: 'NO_PROGRAM',
      reason: `there is no program ${lacking.join(', ')} on the PATH`,
      remedy: `install ${lacking.join(', ')}`,
    };
  }
  const missing = Object.keys(cell.sysctls).filter((name) => !sysctls.has(dotted(name)));
  if (missing.length === 0) return undefined;
  return {
    code: 'NO_SYSCTL',
    reason: `this kernel has no sysctl ${missing.join(', ')} in a network namespace`,
    remedy: 'run the cell on a kernel that has it',
  };
}

/** Lists the user's settings that experiments override, each with the number of cells. */
export function overriddenIn(
  cells: readonly Pick<PlannedCell, 'sysctls'>[],
  asked: Readonly<Record<string, string>>,
): { readonly warning: Warning; readonly cells: number }[] {
  const all = Map.groupBy(
    cells.flatMap(({ sysctls }) => overridden(sysctls, asked)),
    ({ text }) => text,
  );
  return [...all.values()].map((same) => ({ warning: same[0] as Warning, cells: same.length }));
}

/** Lists the user's settings for which a cell's experiment sets another value; `asked` has dotted names. */
export const overridden = (sysctls: PlannedCell['sysctls'], asked: Readonly<Record<string, string>>): Warning[] =>
  Object.entries(sysctls).flatMap(([name, value]) => {
    const wanted = Object.hasOwn(asked, dotted(name)) ? asked[dotted(name)] : undefined;
    if (wanted === undefined || wanted === String(value)) return [];
    return [
      warn(
        'sysctl-overridden',
        `the experiment sets ${dotted(name)} = ${value}, so the value ${wanted} of --sysctl or --sysctls-from has no effect`,
      ),
    ];
  });
