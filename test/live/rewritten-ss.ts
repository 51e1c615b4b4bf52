import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A PATH whose `ss` is this machine's, with its lines of sockets rewritten by awk(1). */
export async function pathWith(folder: string, program: string): Promise<string> {
  const bin = join(folder, 'bin');
  const real = execFileSync('sh', ['-c', 'command -v ss'], { encoding: 'utf8' }).trim();
  await mkdir(bin);
  await writeFile(
    join(bin, 'ss'),
    `#!/bin/sh\ncase "$*" in *-tanHOeo*) ${real} "$@" | awk '${program}' ;; *) exec ${real} "$@" ;; esac\n`,
  );
  await chmod(join(bin, 'ss'), 0o755);
  return `${bin}:${process.env.PATH}`;
}
/** As `ss -Z` of a later version might. */
export const oneColumnMore = '{ $5 = $5 " unconfined"; print }';
