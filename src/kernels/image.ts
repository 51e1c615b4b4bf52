import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LingerlabError } from '../errors.ts';
import { commitOf, packageRoot } from '../record/tool.ts';
import { folderIn, ownName, removeAbandoned, requireSpace } from './cache.ts';
import { compiledProgram } from './compiled.ts';
import { runtimePackages } from './dependencies.ts';
import { applets, inGuest, initScript } from './init.ts';
import { type Kernel, sha256Of } from './kernel.ts';
import { missingTool, runSystemTool, systemPath } from './tools.ts';

/** One file of an image: a copy, a text of ours, or a link. */
export type Entry = { readonly at: string } & (
  | { readonly from: string; readonly mode?: number }
  | { readonly text: string; readonly mode?: number }
  | { readonly link: string }
);

/** Size of the file system: the image and all that a run writes into it. The file is sparse. */
const imageMebibytes = 1536;
/** What an image takes of it. */
const usedBytes = 320 * 1024 * 1024;
/** Images that no run has used for so long are removed. */
const keptMs = 7 * 24 * 3600_000;

/** A program's file, by the PATH. Throws NO_TOOL. */
function programFile(name: string): string {
  const found = systemPath()
    .split(':')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path) && !path.includes('node_modules'));
  if (!found) throw missingTool(name);
  return realpathSync(found);
}

/** Files that a program is linked with: the loader, and libraries, by the paths that it looks for them at. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await runSystemTool('ldd', [program]);
  return [...stdout.matchAll(/(?:=>\s+)?(\/\S+)\s+\(0x/g)].map(([, path]) => path!);
}

function filesBelow(folder: string, isWanted: (path: string) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!isWanted(path)) return [];
    return entry.isDirectory() ? filesBelow(path, isWanted) : [path];
  });
}

function treeAt(at: string, from: string, isWanted: (path: string) => boolean = () => true): Entry[] {
  return filesBelow(from, isWanted).map((path) => {
    const place = join(at, path.slice(from.length));
    return lstatSync(path).isSymbolicLink() ? { at: place, link: readlinkSync(path) } : { at: place, from: path };
  });
}

const needless = (path: string): boolean => /\.(?:map|d\.[cm]?ts|md)$|\/\.cache$|\/\.bin$/.test(path);

/** The program as a package has it, with what it imports. */
function programEntries(): Entry[] {
  const root = packageRoot();
  const at = inGuest.program;
  const isWanted = (path: string): boolean => !needless(path);
  const commit = commitOf(root);
  return [
    { at: join(at, 'package.json'), from: join(root, 'package.json') },
    { at: join(at, 'src', 'bin.js'), from: join(root, 'src', 'bin.js') },
    ...treeAt(join(at, 'dist'), compiledProgram(), isWanted),
    ...[...runtimePackages(root)].flatMap(([name, from]) => treeAt(join(at, 'node_modules', name), from, isWanted)),
    // a run says which commit it is of
    ...(commit === null ? [] : [{ at: join(at, '.git', 'HEAD'), text: `${commit}\n` }]),
    { at: '/usr/bin/lingerlab', text: `#!/bin/dash\nexec node ${at}/src/bin.js "$@"\n`, mode: 0o755 },
  ];
}

/** Programs that the guest needs, by the place that they get; each comes with its libraries. */
async function systemEntries(): Promise<Entry[]> {
  const programs: [string, string][] = [
    ['/usr/bin/node', process.execPath],
    ...(['ss', 'ip', 'tc', 'prlimit', 'dash', 'bash'] as const).map((name): [string, string] => [
      `/bin/${name}`,
      programFile(name),
    ]),
    ['/bin/busybox', programFile('busybox')],
  ];
  const libraries = new Set<string>();
  for (const [, file] of programs) for (const library of await librariesOf(file)) libraries.add(library);
  return [
    ...programs.map(([at, from]): Entry => ({ at, from, mode: 0o755 })),
    ...[...libraries].map((path): Entry => ({ at: path, from: realpathSync(path), mode: 0o755 })),
  ];
}

async function entriesFor(kernels: readonly Kernel[]): Promise<Entry[]> {
  const links = [...applets.map((name) => `/bin/${name}`), '/sbin/modprobe'];
  const tables = ['/etc/iproute2', '/usr/share/iproute2', '/usr/lib/iproute2'].filter((path) => existsSync(path));
  const osRelease = ['/etc/os-release', '/usr/lib/os-release'].find((path) => existsSync(path));
  return [
    { at: '/sbin/init', text: initScript, mode: 0o755 },
    ...links.map((at): Entry => ({ at, link: '/bin/busybox' })),
    { at: '/bin/sh', link: 'dash' },
    { at: '/etc/passwd', text: 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' },
    { at: '/etc/group', text: 'root:x:0:\nnogroup:x:65534:\n' },
    { at: '/etc/hosts', text: '127.0.0.1 localhost lingerlab\n::1 localhost\n' },
    { at: '/etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files\n' },
    ...(osRelease ? [{ at: '/etc/os-release', from: realpathSync(osRelease) }] : []),
    ...tables.flatMap((path) => treeAt(path, path)),
    ...(await systemEntries()),
    ...programEntries(),
    ...kernels.flatMap(({ modules, release }) =>
      modules === undefined ? [] : treeAt(`/lib/modules/${release}`, modules),
    ),
  ];
}

/** Empty folders: mount points, and where a job is put and its results are. */
const emptyFolders = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'in', 'in/files', 'out', 'var/tmp'];

/** What an image holds, as a hash: the same contents are the same image. */
export function imageKey(entries: readonly Entry[]): string {
  const hash = createHash('sha256').update(String(imageMebibytes));
  for (const entry of entries.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    const what = 'from' in entry ? sha256Of(entry.from) : 'text' in entry ? entry.text : `-> ${entry.link}`;
    hash.update(`${entry.at}\0${what}\0${'mode' in entry ? entry.mode : ''}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * The disk image for these kernels: as it is in the cache, else made. One image for all: programs, the program itself, the modules of
 * each. Throws NO_TOOL where a program that it must hold is missing, NO_SPACE, NOT_MADE.
 */
export async function diskImage(cache: string, kernels: readonly Kernel[]): Promise<string> {
  const entries = await entriesFor(kernels);
  const images = folderIn(cache, 'images');
  const image = join(images, `${imageKey(entries)}.ext4`);
  if (existsSync(image)) {
    const now = new Date();
    utimesSync(image, now, now);
    return image;
  }
  removeOld(images);
  const working = folderIn(cache, 'working');
  removeAbandoned(working);
  requireSpace(working, 2 * usedBytes, 'the disk image');
  const folder = folderIn(working, `${ownName('image')}-${basename(image)}`);
  try {
    const tree = join(folder, 'tree');
    stage(entries, tree);
    const made = join(folder, 'disk.ext4');
    const options = [
      '-q',
      '-t',
      'ext4',
      '-O',
      '^has_journal,^metadata_csum',
      '-E',
      'root_owner=0:0,lazy_itable_init=0',
    ];
    const { problem } = await runSystemTool('mke2fs', [...options, '-d', tree, made, `${imageMebibytes}M`]);
    if (problem !== '')
      throw new LingerlabError(
        'NOT_MADE',
        `mke2fs cannot make the disk image: ${problem}`,
        'install e2fsprogs 1.43 or newer',
      );
    renameSync(made, image);
    return image;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function stage(entries: readonly Entry[], tree: string): void {
  for (const each of emptyFolders) mkdirSync(join(tree, each), { recursive: true });
  for (const entry of entries) {
    const place = join(tree, entry.at);
    mkdirSync(dirname(place), { recursive: true });
    if ('link' in entry) symlinkSync(entry.link, place);
    else if ('text' in entry) writeFileSync(place, entry.text);
    else copyFileSync(entry.from, place);
    if ('mode' in entry && entry.mode !== undefined) chmodSync(place, entry.mode);
  }
}

function removeOld(images: string): void {
  for (const name of readdirSync(images)) {
    const path = join(images, name);
    if (Date.now() - statSync(path).mtimeMs > keptMs) rmSync(path, { force: true });
  }
}
