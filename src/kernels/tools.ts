import { execa } from 'execa';
import { LingerlabError } from '../errors.ts';

export interface ToolRun {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** How a program of the system ended. */
export interface ToolEnd {
  readonly stdout: string;
  readonly stderr: string;
  /** Empty where it succeeded; otherwise its last words, or how it ended. */
  readonly problem: string;
}

/** Debian's packages with the programs that are needed to run other kernels. */
const packages: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  depmod: 'kmod',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  'dpkg-deb': 'dpkg',
  ss: 'iproute2',
  ip: 'iproute2',
  tc: 'iproute2',
  dash: 'dash',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
};

/** Programs of administrators, such as mke2fs, are in folders that a user's PATH lacks. */
export const systemPath = (env: NodeJS.ProcessEnv = process.env): string =>
  [env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(':');

/** The error for a program that this machine lacks. */
export function missingTool(program: string): LingerlabError {
  const of = packages[program];
  const isApt = program.includes('apt');
  const remedy = isApt
    ? 'on a system without apt, name a kernel of your own: --kernel FILE --modules DIR'
    : `install ${of ?? program}: apt-get install ${of ?? program}`;
  return new LingerlabError('NO_TOOL', `${program} is not on the PATH`, remedy);
}

/** Runs a program of the system to its end, with English messages. Throws NO_TOOL where there is no such program. */
export async function runSystemTool(program: string, args: readonly string[], options: ToolRun = {}): Promise<ToolEnd> {
  const { env, cwd, input, signal } = options;
  const ended = await execa(program, args, {
    env: { PATH: systemPath(), LC_ALL: 'C.UTF-8', ...env },
    ...(cwd !== undefined && { cwd }),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    ...(signal && { cancelSignal: signal }),
    maxBuffer: 512 * 1024 * 1024,
    reject: false,
  });
  if (ended.code === 'ENOENT') throw missingTool(program);
  signal?.throwIfAborted();
  const { stdout, stderr, failed, shortMessage = 'failed' } = ended;
  return { stdout, stderr, problem: failed ? stderr.trim() || shortMessage : '' };
}
