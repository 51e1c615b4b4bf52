import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { execa } from 'execa';
import { loadFile } from '../../catalogue/load.ts';
import { LingerlabError } from '../../errors.ts';
import type { GuestFile } from '../../kernels/disk.ts';
import { inGuest } from '../../kernels/init.ts';
import { type LeftOut, slowProfile } from '../../kernels/profile.ts';
import type { PlannedCell } from '../../plan/cells.ts';
import { packageRoot } from '../../record/tool.ts';

/** What runs on each kernel. */
export interface Inside {
  /** Arguments of lingerlab on this machine, from `run` on. */
  readonly here: readonly string[];
  /** The same in a guest: its own files are elsewhere. */
  readonly there: readonly string[];
  readonly files: readonly GuestFile[];
  readonly cells: number;
  readonly results: number;
  readonly leftOut: readonly LeftOut[];
}

/** The program, as a user starts it. */
export const program = join(packageRoot(), 'src', 'bin.js');

/** What a user may not say of a run in a guest: where its folder is, is said outside. */
const refused = ['--out', '-o', '--resume', '--dry-run', '-n', '--json'];

/** How sockets are sampled in a guest: `ss` takes 15 times as long under emulation, and its looks alone would fill the guest's time. */
const sampler = ['--sampler', 'netlink'];

/** What is to run, checked as `run` itself checks it, before any kernel boots. Throws LingerlabError. */
export async function insideOf(args: readonly string[]): Promise<Inside> {
  const bad = args.find((arg) => refused.includes(arg.replace(/=.*$/s, '')));
  if (bad !== undefined)
    throw new LingerlabError(
      'BAD_OPTION',
      `${bad} cannot be given after --`,
      'give --out before --; leave the others out',
    );
  const [planned, leftOut] = args.length > 0 ? [await planOf(args), []] : await usual();
  const own = args.includes('--sampler') ? [] : sampler;
  const given = args.length > 0 ? args : planned.map(({ id }) => id);
  const { args: moved, files } = await movedFiles(given);
  return {
    here: ['run', ...given, ...own],
    there: ['run', ...moved, ...own],
    files,
    cells: planned.length,
    results: planned.reduce((sum, { repeats }) => sum + repeats, 0),
    leftOut,
  };
}

async function usual(): Promise<[readonly PlannedCell[], readonly LeftOut[]]> {
  const { cells, leftOut } = slowProfile(await planOf(['--quick']));
  return [cells, leftOut];
}

/** Options of `run` that have a value. */
const valued = new Set(['-j', '--jobs', '--repeat', '-w', '--where', '--sampler', '--sysctl', '--sysctls-from']);

/** The options among arguments of `run`, without the patterns, and without --quick, which would choose among them. */
export const optionsIn = (args: readonly string[]): string[] =>
  args.filter((arg, nth) => (arg.startsWith('-') && arg !== '--quick') || valued.has(args[nth - 1] ?? ''));

/** Some of the cells, to run again under the same options; undefined where some are of the user's own files. */
export async function someInside(inside: Inside, cells: readonly string[]): Promise<Inside | undefined> {
  if (inside.files.length > 0) return undefined;
  const args = [...cells, ...optionsIn(inside.here.slice(1))];
  const planned = await planOf(args);
  if (planned.length !== cells.length) return undefined;
  const results = planned.reduce((sum, { repeats }) => sum + repeats, 0);
  return { ...inside, here: ['run', ...args], there: ['run', ...args], cells: cells.length, results };
}

/** The cells of `run` with these arguments; wrong ones are refused on stderr, in its own words. */
async function planOf(args: readonly string[]): Promise<PlannedCell[]> {
  const asked = await execa(process.execPath, [program, 'run', ...args, '--dry-run', '--json'], {
    stdin: 'ignore',
    stderr: 'inherit',
    reject: false,
  });
  if (asked.exitCode === 0) return (JSON.parse(asked.stdout) as { cells: PlannedCell[] }).cells;
  throw new LingerlabError(
    'BAD_ARGUMENT',
    'run refuses what stands after --, as it says above',
    'lingerlab run --help lists its options',
  );
}

/** Experiments of the user's own go into the guest, with the modules that they import. */
async function movedFiles(args: readonly string[]): Promise<{ args: string[]; files: GuestFile[] }> {
  const files: GuestFile[] = [];
  const moved: string[] = [];
  for (const [nth, arg] of args.entries()) {
    if (!/\.[cm]?[jt]s$/.test(arg) || !existsSync(arg)) {
      moved.push(arg);
      continue;
    }
    const file = resolve(arg);
    const { modules } = await loadFile(arg);
    const all = [file, ...modules.map((module) => resolve(dirname(file), module))];
    const base = commonFolder(all);
    const place = (path: string): string => join(inGuest.files, String(nth), relative(base, path));
    files.push(...all.map((from) => ({ at: place(from), from })));
    moved.push(place(file));
  }
  return { args: moved, files };
}

/** The deepest folder that all these files are in. */
export function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] ?? '/');
  while (folder !== '/' && !files.every((file) => file.startsWith(`${folder}/`))) folder = dirname(folder);
  return folder;
}
