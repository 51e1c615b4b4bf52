import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { inGuest } from './init.ts';
import { runSystemTool } from './tools.ts';

/** A file for a guest, by its path there. */
export interface GuestFile {
  readonly at: string;
  readonly from: string;
}

const failed = (what: string, why: string): LingerlabError =>
  new LingerlabError(
    'NOT_MADE',
    `${what}: ${why}`,
    'check the free space of the cache, or remove it to have it made again',
  );

/** debugfs takes commands as lines, in which a quoted word may have spaces, but no quote. */
const word = (text: string): string => `"${text}"`;

/** A disk of a guest's own: a copy of the image with its job and its files. Throws NOT_MADE. */
export async function makeDisk(
  image: string,
  disk: string,
  job: string | undefined,
  files: readonly GuestFile[] = [],
): Promise<void> {
  const copied = await runSystemTool('cp', ['--sparse=always', '--reflink=auto', image, disk]);
  if (copied.problem !== '') throw failed('cannot copy the disk image', copied.problem);
  const all = [...files];
  if (job !== undefined) {
    writeFileSync(`${disk}.job`, job);
    all.push({ at: inGuest.job, from: `${disk}.job` });
  }
  if (all.length === 0) return;
  const folders = new Set(all.flatMap(({ at }) => parents(dirname(at))));
  const commands = [
    ...[...folders].map((folder) => `mkdir ${word(folder)}`),
    ...all.map(({ at, from }) => `write ${word(from)} ${word(at)}`),
  ];
  const { stdout } = await runSystemTool('debugfs', ['-w', '-f', '-', disk], { input: `${commands.join('\n')}\n` });
  const written = stdout.match(/^Allocated inode: \d+/gm)?.length ?? 0;
  if (written < all.length) throw failed('cannot write the job to the disk', stdout.trim().split('\n').at(-1) ?? '');
}

/** Folders of a path below those that every image has. */
function parents(folder: string): string[] {
  if (folder === '/in' || folder === '/' || folder === inGuest.files) return [];
  return [...parents(dirname(folder)), folder];
}

/** Copies what a guest has written to its results out of its disk, also of one that was killed. Returns whether there was anything. */
export async function takeOut(disk: string, name: string, folder: string): Promise<boolean> {
  mkdirSync(folder, { recursive: true });
  await runSystemTool('debugfs', ['-R', `rdump ${word(`${inGuest.out}/${name}`)} ${word(folder)}`, disk]);
  return existsSync(join(folder, name));
}
