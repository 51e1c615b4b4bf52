import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { LingerlabError, messageOf } from '../errors.ts';
import {
  insideNamespace,
  interfaceUp,
  makeNetworkNamespace,
  namespaceInode,
  releaseNamespace,
  setAddress4,
} from '../native/namespaces.ts';
import { parseSockstat, type Sockstat } from '../tcp/counters.ts';

/** An anonymous network namespace, held by a descriptor of this process and gone with it. */
export interface Space extends Disposable {
  readonly name: string;
  /** A path by which another process, or `ip`, can open the namespace while this one lives. */
  readonly path: string;
  readonly inode: number;
  /** Sysctls that were set, as the kernel had made them. */
  readonly own: Readonly<Record<string, string>>;
  /** The same, with what they are set to. */
  readonly pinned: Pinned;
  /** Given back: whatever else holds the namespace keeps it. */
  readonly released: boolean;
  /** Run synchronous work, or start a child, inside. */
  inside<T>(work: () => T): T;
}

/**
 * Sysctls that every lab has set: what they are now, what the kernel had made of them, where it refused what they should be that
 * value, and where the user asked for a value, that one.
 */
export type Pinned = Readonly<
  Record<string, { readonly set: string; readonly own: string; readonly refused?: string; readonly asked?: string }>
>;

/**
 * What a new namespace takes from the host instead of from the kernel's defaults, or scales with memory: pinned, so that
 * kernels are compared and not hosts. tcp_rmem and tcp_wmem: the kernel's defaults on a machine of 4 GiB or more. reno: each kernel has it,
 * and lets each namespace use it; cubic may be a module, or not allowed, tcp_set_congestion_control() in net/ipv4/tcp_cong.c.
 */
const pins: Readonly<Record<string, string>> = {
  'net.ipv4.tcp_rmem': '4096 131072 6291456',
  'net.ipv4.tcp_wmem': '4096 16384 4194304',
  'net.ipv4.tcp_congestion_control': 'reno',
  'net.ipv4.tcp_max_tw_buckets': '65536',
  'net.ipv4.tcp_max_syn_backlog': '1024',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.conf.default.rp_filter': '0',
  'net.ipv6.conf.all.disable_ipv6': '0',
  'net.ipv6.conf.default.disable_ipv6': '0',
};

const sysctlFile = (name: string) => `/proc/sys/${name.replaceAll('.', '/')}`;

/** Set sysctls of the thread's present namespace; throws where one does not exist or refuses the value. */
export function setSysctls(values: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(values)) writeFileSync(sysctlFile(name), String(value));
}

/** A sysctl of the thread's present namespace; undefined where this kernel has none of that name. */
export function sysctlHere(name: string): string | undefined {
  const file = sysctlFile(name);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().replaceAll('\t', ' ') : undefined;
}

function setPinned(asked: Readonly<Record<string, string>>): Pinned {
  const pinned: Record<string, Pinned[string]> = {};
  for (const [name, value] of Object.entries(pins)) {
    const made = sysctlHere(name);
    // a kernel without IPv6 has no such file
    if (made === undefined || Object.hasOwn(asked, name)) continue;
    try {
      writeFileSync(sysctlFile(name), value);
      pinned[name] = { set: sysctlHere(name) ?? value, own: made };
    } catch {
      // the run warns of it
      pinned[name] = { set: made, own: made, refused: value };
    }
  }
  for (const [name, value] of Object.entries(asked)) {
    const own = sysctlHere(name) ?? '';
    setSysctls({ [name]: value });
    pinned[name] = { set: sysctlHere(name) ?? value, own, asked: value };
  }
  return pinned;
}

export interface SpaceOptions {
  /** Of 127/8, the address of `lo` from which sockets connect that are not bound; default the kernel's 127.0.0.1. */
  readonly loopback?: string;
  /** Sysctls that the user has every lab have, instead of those that lingerlab pins. */
  readonly asked?: Readonly<Record<string, string>>;
}

/**
 * Make a namespace with the kernel's own TCP defaults, or what the user asked for, and `lo` up. Throws NO_NAMESPACES where that is
 * not allowed, and what the kernel says where it has not, or refuses, a sysctl that was asked for.
 */
export function makeSpace(name: string, { loopback, asked = {} }: SpaceOptions = {}): Space {
  let fd: number;
  try {
    fd = makeNetworkNamespace();
  } catch (cause) {
    throw new LingerlabError(
      'NO_NAMESPACES',
      `cannot make a network namespace: ${messageOf(cause)}`,
      'run as root, or allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone, AppArmor)',
      { cause },
    );
  }
  let pinned: Pinned;
  try {
    pinned = insideNamespace(fd, () => setPinned(asked));
    insideNamespace(fd, () => {
      // before `lo` is up: the kernel gives it 127.0.0.1 only where it has none, inetdev_event() in net/ipv4/devinet.c
      if (loopback !== undefined) setAddress4('lo', loopback);
      interfaceUp('lo');
    });
  } catch (error) {
    releaseNamespace(fd);
    throw error;
  }
  let released = false;
  return {
    name,
    path: `/proc/${process.pid}/fd/${fd}`,
    inode: namespaceInode(fd),
    own: Object.fromEntries(Object.entries(pinned).map(([each, { own }]) => [each, own])),
    pinned,
    get released() {
      return released;
    },
    inside(work) {
      if (released) throw new TypeError(`namespace ${name} was given back`);
      return insideNamespace(fd, work);
    },
    [Symbol.dispose]() {
      if (!released) releaseNamespace(fd);
      released = true;
    },
  };
}

/** Lines of /proc/net/tcp that are of a state: its number in include/net/tcp_states.h, hexadecimal, follows two addresses. */
export const tcpLinesIn = (text: string, state: string): number =>
  text.split('\n').filter((line) => line.trim().split(/\s+/)[3] === state).length;

/** Connections of a namespace in SYN-RECEIVED, by /proc/net/tcp and tcp6: requests, too, which no count of sockets has. */
export const synReceivedIn = (space: Space): number =>
  space.inside(() =>
    ['/proc/thread-self/net/tcp', '/proc/thread-self/net/tcp6']
      // a kernel without IPv6 has no such file, and no such connections
      .filter((file) => existsSync(file))
      .reduce((sum, file) => sum + tcpLinesIn(readFileSync(file, 'latin1'), '03'), 0),
  );

/** /proc/net/sockstat of a namespace. */
export function sockstatIn(space: Space): Sockstat {
  return space.inside(() => {
    let text = readFileSync('/proc/thread-self/net/sockstat', 'utf8');
    try {
      text += readFileSync('/proc/thread-self/net/sockstat6', 'utf8');
    } catch {
      // a kernel without IPv6 has no such file, and no such sockets
    }
    return parseSockstat(text);
  });
}

/** TCP sockets that still have this namespace, TIME-WAIT apart: that has no hold on it. */
export function socketsIn(space: Space): number {
  const { inuse, inuse6 = 0 } = sockstatIn(space);
  return inuse + inuse6;
}
