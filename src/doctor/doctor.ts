import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { LingerlabError, messageOf } from '../errors.ts';
import { makeSpace, type Pinned, type Space } from '../lab/space.ts';
import { hz } from '../native/process.ts';
import { openTun } from '../native/tun.ts';
import type { TraceSight } from '../observers/protocol.ts';
import { runTool } from '../process/tool.ts';
import { sysctlDump } from './environment.ts';

/** Result of examining one ability of this machine. */
export interface Finding {
  readonly id: string;
  readonly ok: boolean;
  readonly found: string;
  /** Consequence for a run if the ability is missing. */
  readonly consequence: string;
  readonly remedy: string;
}

/** Abilities of this machine that a run needs to know. */
export interface Machine {
  readonly findings: readonly Finding[];
  readonly capabilities: Readonly<Record<string, boolean>>;
  readonly hz: number;
  readonly iproute2: string;
  readonly privileged: boolean;
  /** Sysctls of a new lab: dotted names and values. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Sysctls that lingerlab sets, with the kernel's own values. */
  readonly pinned: Pinned;
  /** Dotted names of everything under /proc/sys/net of a new lab. */
  readonly sysctlNames: ReadonlySet<string>;
}

/** Returns whether this process is root of the host, and not of a user namespace: all uids map to themselves, user_namespaces(7). */
export const isPrivileged = (): boolean =>
  process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));

/** User id of peers that run as another user: nobody, unless /etc/passwd was changed. */
export const otherUser = 65_534;
const CAP_SETUID = 7n;

/** Examines whether setuid(2) to {@link otherUser} is possible: the id is mapped, user_namespaces(7), and the call allowed, capabilities(7). */
function otherUserHere(): string {
  const mapped = readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([from = 0, , count = 0]) => otherUser >= from && otherUser < from + count);
  if (!mapped) return missing(`user id ${otherUser} is not mapped in this user namespace`);
  const effective = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const may = (BigInt(`0x${effective}`) >> CAP_SETUID) & 1n;
  return may ? `peers can become user ${otherUser}` : missing('no capability CAP_SETUID');
}

interface Probe {
  readonly id: string;
  readonly consequence: string;
  readonly remedy: string;
  /** Returns what was found; throws if the ability is missing. */
  readonly look: () => string | Promise<string>;
}

const missing = (reason: string): never => {
  throw new Error(reason);
};

async function ssVersion(): Promise<string> {
  const { stdout, problem } = await runTool('ss', ['-V']);
  if (problem !== '') throw new Error(problem);
  return stdout.trim().replace(/^ss utility, /, '');
}

async function vethIn(space: Space): Promise<string> {
  const add = ['link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1'];
  const { problem } = await space.inside(() => runTool('ip', add));
  return problem === '' ? 'veth pairs can be made' : missing(problem);
}

function tunIn(space: Space): string {
  space.inside(() => closeSync(openTun('probe2')));
  return 'TUN devices can be made';
}

const clockSource = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'unknown';
  }
};

/** Lists what is examined. `hz`, the clock and the runtime are printed only: they cannot be missing. */
function probes(space: () => Space, trace: Promise<TraceSight>): readonly Probe[] {
  return [
    {
      id: 'kernel',
      look: () => (process.platform === 'linux' ? `Linux ${release()}` : missing(process.platform)),
      consequence: 'no cell can run',
      remedy: 'run lingerlab on Linux',
    },
    { id: 'hz', look: () => `${hz()} timer interrupts per second`, consequence: '', remedy: '' },
    {
      id: 'clock',
      look: () => `CLOCK_MONOTONIC, clock source ${readText(clockSource)}`,
      consequence: '',
      remedy: '',
    },
    { id: 'runtime', look: () => `Node.js ${process.version}`, consequence: '', remedy: '' },
    {
      id: 'privilege',
      look: () => (isPrivileged() ? 'root' : missing('root of a user namespace only')),
      consequence:
        'tracepoints cannot be used: state paths and segments are unknown, and states come from samples of `ss`',
      remedy: 'run as root',
    },
    {
      id: 'namespaces',
      look: () => `network namespaces can be made (${space().inode})`,
      consequence: 'no cell can run',
      remedy: 'run as root, or allow unprivileged user namespaces (kernel.unprivileged_userns_clone, AppArmor)',
    },
    {
      id: 'ss',
      look: ssVersion,
      consequence: 'no cell can run: TIME-WAIT is observed with `ss`',
      remedy: 'install iproute2 (`apt-get install iproute2`)',
    },
    {
      id: 'veth',
      look: () => vethIn(space()),
      consequence: 'cells on the veth network are unsupported',
      remedy: 'install iproute2, and load the module (`modprobe veth`)',
    },
    {
      id: 'tun',
      look: () => tunIn(space()),
      consequence: 'cells on the wire are unsupported: no segment can be dropped, held, delayed or forged',
      remedy: 'run as root, and load the module (`modprobe tun`); in a container, also pass the device /dev/net/tun',
    },
    {
      id: 'otherUser',
      look: otherUserHere,
      consequence: 'cells in which a second user takes part are unsupported',
      remedy: 'run as root',
    },
    {
      id: 'tracefs',
      async look() {
        const { transitions, missing: why } = await trace;
        return transitions ? 'state changes are traced on the monotonic clock' : missing(why);
      },
      consequence: 'state paths and segments are unknown, and states come from samples of `ss`',
      remedy: 'run as root on a kernel with CONFIG_FTRACE; in a container, mount tracefs at /sys/kernel/tracing',
    },
    {
      id: 'miniTimers',
      async look() {
        const { miniTimers, missing: why } = await trace;
        return miniTimers
          ? "mini-sockets' timers are traced"
          : missing(why || 'the kernel refuses the filter for these timers');
      },
      consequence: 'the end of TIME-WAIT is known only as a time between two samples of `ss`',
      remedy: 'run as root, on a kernel that accepts the filter: 6.1 refuses it, 6.18 accepts it',
    },
  ];
}

/** Lists every sysctl of the thread's present network namespace. */
const sysctlNamesHere = (): string[] =>
  readdirSync('/proc/sys/net', { recursive: true, encoding: 'utf8' }).map((path) => `net.${path.replaceAll('/', '.')}`);

/** Lists the sysctls of a new lab; those of this process's namespace if no lab can be made. */
export function labSysctlNames(): ReadonlySet<string> {
  try {
    using space = makeSpace('probe');
    return new Set(space.inside(sysctlNamesHere));
  } catch {
    return new Set(sysctlNamesHere());
  }
}

/**
 * Look at everything a run depends on; `trace` is what an observer process found, or will have found when it has started, `asked`
 * the sysctls that its labs are to have. Never throws.
 */
export async function examine(
  trace: TraceSight | Promise<TraceSight>,
  asked: Readonly<Record<string, string>> = {},
): Promise<Machine> {
  let made: Space | undefined;
  const space = () => (made ??= makeSpace('probe', { asked }));
  const probed = async ({ id, look, consequence, remedy }: Probe): Promise<Finding> => {
    try {
      return { id, ok: true, found: await look(), consequence, remedy };
    } catch (error) {
      // a program that hangs is installed already, so the error has a better remedy
      const mend = error instanceof LingerlabError ? error.remedy : remedy;
      return { id, ok: false, found: messageOf(error).split('\n')[0] ?? '', consequence, remedy: mend };
    }
  };
  const findings = await Promise.all(probes(space, Promise.resolve(trace)).map(probed));
  const sysctls = made?.inside(() => sysctlDump()) ?? {};
  made?.[Symbol.dispose]();
  let names: ReadonlySet<string> | undefined;
  return {
    findings,
    capabilities: Object.fromEntries(findings.map(({ id, ok }) => [id, ok])),
    hz: hz(),
    iproute2: findings.find(({ id }) => id === 'ss')?.found ?? '',
    privileged: findings.some(({ id, ok }) => id === 'privilege' && ok),
    sysctls,
    pinned: made?.pinned ?? {},
    // few cells set any, and there are 1,500
    get sysctlNames() {
      names ??= made ? labSysctlNames() : new Set();
      return names;
    },
  };
}

/** Throws NO_NAMESPACES or NO_SS if no cell can run on this machine. */
export function requireBasics({ findings }: Machine): void {
  const codes = { namespaces: 'NO_NAMESPACES', ss: 'NO_SS' } as const;
  for (const [id, code] of Object.entries(codes)) {
    const finding = findings.find((each) => each.id === id);
    if (finding && !finding.ok) throw new LingerlabError(code, `${id}: ${finding.found}`, finding.remedy);
  }
}
