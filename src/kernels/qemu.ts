import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { cpuWithChildren } from '../native/cpu.ts';
import { endOf, type GuestEnd, heard, nothingSaid, type Said, type Stopped } from './console.ts';
import type { Kernel } from './kernel.ts';
import { missingTool, systemPath } from './tools.ts';

/** How a guest's instructions are run, and what its clock follows. */
export interface Pace {
  readonly accelerator: 'tcg' | 'kvm';
  /** Virtual: an instruction takes 1 ns, and idle time is skipped. Real: the host's clock. */
  readonly clock: 'virtual' | 'real';
}

/** Memory of a guest, MiB: 188 cells take 600. */
const memoryMebibytes = 1536;
/** Under TCG a guest has one processor: QEMU cannot count instructions of more. */
const processors = 1;

/** The kernel's command line. Without RDRAND, Node would wait for entropy; `quiet`, since the console is slow. */
function commandLine({ accelerator, clock }: Pace, append: string): string {
  return [
    'root=/dev/nvme0n1 rw init=/sbin/init console=ttyS0 quiet',
    // a panic ends the guest, and so QEMU
    'panic=-1 oops=panic',
    'mitigations=off nowatchdog tsc=reliable',
    `lingerlab.guest=${accelerator},${clock}`,
    append,
  ]
    .join(' ')
    .trimEnd();
}

/** Arguments of QEMU for a guest with a console on standard input and output. */
export function qemuArguments({ image }: Pick<Kernel, 'image'>, disk: string, pace: Pace, append = ''): string[] {
  const virtual = pace.clock === 'virtual' ? ['-icount', 'shift=0,sleep=off'] : [];
  return [
    ...['-M', 'q35', '-accel', pace.accelerator, '-cpu', pace.accelerator === 'kvm' ? 'host' : 'qemu64,+rdrand'],
    ...['-smp', String(processors), '-m', String(memoryMebibytes)],
    ...virtual,
    ...['-rtc', 'base=utc,clock=vm'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-no-reboot'],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-kernel', image, '-append', commandLine(pace, append)],
    ...['-drive', `file=${disk.replaceAll(',', ',,')},format=raw,if=none,id=disk,cache=unsafe`],
    ...['-device', 'nvme,drive=disk,serial=lingerlab'],
  ];
}

/** What a guest may use before it is ended, seconds of QEMU's CPU: wall time says nothing on a busy machine. */
export interface Limits {
  readonly bootCpuSeconds: number;
  readonly cpuSeconds: number;
  /** QEMU that uses no CPU for so long will not go on: its guest waits for what does not come. */
  readonly idleSeconds: number;
}

export const bootLimits: Pick<Limits, 'bootCpuSeconds' | 'idleSeconds'> = { bootCpuSeconds: 120, idleSeconds: 300 };

export interface Booting {
  readonly kernel: Pick<Kernel, 'image'>;
  readonly disk: string;
  readonly pace: Pace;
  /** More of the kernel's command line; what comes last holds. */
  readonly append?: string | undefined;
  /** Where all that the guest writes on its console is kept. */
  readonly console: string;
  readonly limits: Limits;
  readonly signal?: AbortSignal | undefined;
  /** Called after each line, with what is known then, and the CPU that QEMU has used. */
  readonly said?: (said: Said, cpuSeconds: number) => void;
}

/** A guest that has ended. */
export interface Ended {
  readonly end: GuestEnd;
  readonly said: Said;
  readonly cpuSeconds: number;
  /** CPU until our init began; absent: it did not begin. */
  readonly bootCpuSeconds?: number;
  readonly wallSeconds: number;
}

/** How often the limits are looked at. */
const lookMs = 500;

/**
 * Starts a guest and waits for its end. QEMU ends with this process, however that ends: the kernel kills it, prctl(2)
 * PR_SET_PDEATHSIG. Throws NO_TOOL without QEMU.
 */
export async function bootGuest({
  kernel,
  disk,
  pace,
  append,
  console,
  limits,
  signal,
  said: tell,
}: Booting): Promise<Ended> {
  const startedAt = performance.now();
  const log = createWriteStream(console);
  const qemu = execa(
    'setpriv',
    ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...qemuArguments(kernel, disk, pace, append)],
    {
      env: { PATH: systemPath() },
      stdin: 'ignore',
      all: true,
      buffer: false,
      reject: false,
    },
  );
  let said: Said = nothingSaid;
  let stopped: Stopped;
  let cpuSeconds = 0;
  let bootCpuSeconds: number | undefined;
  let busyAt = performance.now();
  const lines = new PassThrough();
  qemu.all.pipe(log);
  qemu.all.pipe(lines);
  createInterface({ input: lines }).on('line', (line) => {
    said = heard(said, line);
    if (said.booted) bootCpuSeconds ??= cpuSeconds;
    tell?.(said, cpuSeconds);
  });
  const stop = (why: Stopped): void => {
    stopped ??= why;
    qemu.kill('SIGKILL');
  };
  const look = (): void => {
    const now = (qemu.pid !== undefined && cpuWithChildren(qemu.pid)) || cpuSeconds;
    if (now > cpuSeconds) busyAt = performance.now();
    cpuSeconds = now;
    tell?.(said, cpuSeconds);
    if (!said.booted && cpuSeconds > limits.bootCpuSeconds)
      stop({ limit: `${limits.bootCpuSeconds} s of CPU to boot` });
    else if (cpuSeconds > limits.cpuSeconds) stop({ limit: `${limits.cpuSeconds} s of CPU` });
    else if (performance.now() - busyAt > limits.idleSeconds * 1000)
      stop({ limit: `${limits.idleSeconds} s without CPU` });
  };
  const timer = setInterval(look, lookMs);
  const interrupt = (): void => stop('interrupted');
  signal?.addEventListener('abort', interrupt);
  if (signal?.aborted) interrupt();
  try {
    const ended = await qemu;
    await Promise.all([finished(log), finished(lines)]);
    const how = ended.signal ? `QEMU was ended by ${ended.signal}` : `QEMU ended with exit code ${ended.exitCode}`;
    if (ended.code === 'ENOENT') throw missingTool('setpriv');
    if (ended.exitCode === 127 && !said.booted) throw missingTool('qemu-system-x86_64');
    return {
      end: endOf(said, stopped, how),
      said,
      cpuSeconds,
      ...(bootCpuSeconds !== undefined && { bootCpuSeconds }),
      wallSeconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', interrupt);
  }
}

/** A guest whose console is this terminal, until it turns itself off. Returns QEMU's exit code. Throws NO_TOOL. */
export async function attachGuest({
  kernel,
  disk,
  pace,
  append,
}: Pick<Booting, 'kernel' | 'disk' | 'pace' | 'append'>): Promise<number> {
  const args = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...qemuArguments(kernel, disk, pace, append)];
  const ended = await execa('setpriv', args, { env: { PATH: systemPath() }, stdio: 'inherit', reject: false });
  if (ended.code === 'ENOENT') throw missingTool('setpriv');
  if (ended.exitCode === 127) throw missingTool('qemu-system-x86_64');
  return ended.exitCode ?? 1;
}
