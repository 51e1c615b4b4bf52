import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { describeWhere } from '../where-possible.ts';

/** What another program reads in a capture file. */
export interface Frame {
  /** Seconds with ns, as the program prints them. */
  readonly time: string;
  readonly text: string;
}

const has = (program: string) => spawnSync(program, ['--version'], { encoding: 'utf8' }).status === 0;

/** Tests that need a program of another project. */
export const withTool = (program: 'tcpdump' | 'tshark', title: string, tests: () => void): void =>
  describeWhere(has(program) ? undefined : `${program} is not installed: apt-get install ${program}`, title, tests);

function output(program: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

/** The lines that tcpdump prints of a file, absolute numbers, times in ns. */
export const tcpdump = (file: string): Frame[] =>
  // as root it would become a user of its own, who may not be there or not read our files
  output('tcpdump', ['-Z', userInfo().username, '-nn', '-S', '-v', '-tt', '--nano', '-r', file])
    .join('\n')
    // -v takes a second line for IPv4
    .replaceAll('\n    ', ' ')
    .split('\n')
    .map((line) => ({ time: line.slice(0, line.indexOf(' ')), text: line.slice(line.indexOf(' ') + 1) }));

/** Fields of each frame as tshark has them. */
export const tshark = (file: string, ...fields: readonly string[]): string[][] =>
  output('tshark', ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]).map((line) =>
    line.split('\t'),
  );

/**
 * Frames that tshark cannot dissect, or whose checksums it finds wrong, with their comments: `7 forged`. What a capture has only the
 * beginning of is neither.
 */
export const faults = (file: string): string[] =>
  output('tshark', [
    ...['-n', '-r', file, '-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'],
    ...['-Y', '_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0'],
    ...['-T', 'fields', '-E', 'separator=/s', '-e', 'frame.number', '-e', 'frame.comment'],
  ]);
