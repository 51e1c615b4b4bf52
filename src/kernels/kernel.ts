import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LingerlabError, messageOf } from '../errors.ts';

/** Changes where a fetched kernel's folder has to be made anew, such as for another module. */
export const recipe = 1;

const kernelRecord = z.object({
  recipe: z.literal(recipe),
  series: z.string(),
  version: z.string(),
  release: z.string(),
  suite: z.string(),
  packages: z.array(z.object({ name: z.string(), version: z.string(), sha256: z.string() })),
  sha256: z.string().describe('of vmlinuz'),
});
/** What is known of a fetched kernel: `kernel.json` in its folder. */
export type KernelRecord = z.infer<typeof kernelRecord>;

/** A kernel that a virtual machine can be started with. */
export interface Kernel extends Pick<KernelRecord, 'series' | 'version' | 'release' | 'suite'> {
  /** Its bzImage. */
  readonly image: string;
  /** Folder that is `lib/modules/<release>` inside; undefined: it has all that it needs built in. */
  readonly modules: string | undefined;
}

export const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const folderOf = (cache: string): string => join(cache, 'fetched');
/** Folder of a fetched kernel. */
export const kernelFolder = (cache: string, release: string): string => join(folderOf(cache), release);

function readRecord(folder: string): KernelRecord | undefined {
  try {
    return kernelRecord.safeParse(JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Kernels that were fetched whole, oldest release first. */
export function fetchedKernels(cache: string): (Kernel & KernelRecord)[] {
  const folder = folderOf(cache);
  if (!existsSync(folder)) return [];
  const byNumbers = new Intl.Collator('en', { numeric: true });
  return readdirSync(folder)
    .flatMap((release) => {
      const own = join(folder, release);
      const record = readRecord(own);
      if (record === undefined || record.release !== release) return [];
      return [{ ...record, image: join(own, 'vmlinuz'), modules: join(own, 'lib', 'modules', release) }];
    })
    .toSorted((a, b) => byNumbers.compare(a.version, b.version));
}

/** Throws DOWNLOAD_FAILED where a fetched kernel's file is not what it was. */
export function requireUnchanged({ image, sha256, release }: Kernel & KernelRecord): void {
  let found: string;
  try {
    found = sha256Of(image);
  } catch (cause) {
    found = messageOf(cause);
  }
  if (found === sha256) return;
  throw new LingerlabError(
    'DOWNLOAD_FAILED',
    `${image} is not what was fetched: its SHA-256 is ${found}, not ${sha256}`,
    `remove the folder of ${release} and fetch it again`,
  );
}
