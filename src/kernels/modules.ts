import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { execa } from 'execa';
import { LingerlabError } from '../errors.ts';
import { missingTool, runSystemTool, systemPath } from './tools.ts';

/** What cells need of a kernel that may be a module. */
export const needed = ['tun', 'veth', 'inet_diag', 'tcp_diag'] as const;
/** Modules that an experiment may ask for: queues, and ways to control congestion. */
const wanted =
  /^(?:tun|veth|dummy|ifb|inet_diag|tcp_diag|unix_diag|raw_diag|af_packet|sch_(?:fq|fq_codel|netem|tbf|htb)|tcp_\w+)$/;

/** Name of a module from its file: `kernel/net/ipv4/tcp_diag.ko.xz` is tcp_diag; in names `-` is `_`. */
export const moduleName = (path: string): string =>
  basename(path)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');

/** Files of the wanted modules and of all modules that these need, from modules.dep, which names every one of them. */
export function closure(modulesDep: string): string[] {
  const lines = modulesDep.split('\n').flatMap((line) => {
    const [, path, needs] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ path, needs: (needs ?? '').split(/\s+/).filter(Boolean) }];
  });
  const files = lines
    .filter(({ path }) => wanted.test(moduleName(path)))
    .flatMap(({ path, needs }) => [path, ...needs]);
  return [...new Set(files)].toSorted();
}

/** Which of the needed modules a kernel has neither as a file nor built in. */
export function lackingIn(files: readonly string[], builtin: string): string[] {
  const has = new Set([...files, ...builtin.split('\n')].filter(Boolean).map(moduleName));
  return needed.filter((name) => !has.has(name));
}

/**
 * Copies the modules that are wanted into a tree, decompressed, with the lists that modprobe reads. `from` is the folder of a
 * release's modules, and so will `root`/lib/modules/`release` be. Returns the needed modules that there are not.
 */
export async function takeModules(from: string, root: string, release: string): Promise<string[]> {
  const to = join(root, 'lib', 'modules', release);
  mkdirSync(to, { recursive: true });
  const listed = join(from, 'modules.dep');
  const files = closure(readFileSync(listed, 'utf8'));
  for (const file of files) {
    const target = join(to, file.replace(/\.ko\.\w+$/, '.ko'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, await decompressed(join(from, file)));
  }
  const lists = ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'].filter((name) =>
    existsSync(join(from, name)),
  );
  for (const name of lists) cpSync(join(from, name), join(to, name));
  await makeLists(root, release);
  const builtin = lists.includes('modules.builtin') ? readFileSync(join(from, 'modules.builtin'), 'utf8') : '';
  return lackingIn(files, builtin);
}

/** Makes modules.dep and modules.alias of a tree, depmod(8). */
export async function makeLists(root: string, release: string): Promise<void> {
  const { problem } = await runSystemTool('depmod', ['-b', root, release]);
  if (problem !== '')
    throw new LingerlabError(
      'BAD_KERNEL',
      `depmod cannot read the modules of ${release}: ${problem}`,
      'fetch or build them again',
    );
}

async function decompressed(path: string): Promise<Buffer> {
  if (path.endsWith('.ko')) return readFileSync(path);
  const packed = readFileSync(path);
  if (path.endsWith('.gz')) return gunzipSync(packed);
  if (path.endsWith('.zst')) return zstdDecompressSync(packed);
  const env = { PATH: systemPath() };
  const { stdout, code } = await execa('busybox', ['unxz', '-c'], {
    input: packed,
    encoding: 'buffer',
    env,
    reject: false,
  });
  if (code === 'ENOENT') throw missingTool('busybox');
  return Buffer.from(stdout);
}
