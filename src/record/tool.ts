import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunRecord } from './schema.ts';

const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** Where the git data of a checkout is: `.git`, or, in a linked work tree, the folder that the file `.git` names. */
function gitFolder(root: string): string | null {
  if (textOf(join(root, '.git', 'HEAD')) !== null) return join(root, '.git');
  const linked = /^gitdir: (.+)$/m.exec(textOf(join(root, '.git')) ?? '')?.[1];
  return linked ? resolve(root, linked) : null;
}

const packedRef = (packed: string, ref: string): string | null =>
  packed
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, name]) => name === ref)?.[0] ?? null;

/**
 * The commit that a checkout is at; `null` where the folder is no checkout (an installed package), or has no commit yet.
 * Read without git; gitrepository-layout(5).
 */
export function commitOf(root: string): string | null {
  const git = gitFolder(root);
  if (git === null) return null;
  const head = (textOf(join(git, 'HEAD')) ?? '').trim();
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  const common = resolve(git, (textOf(join(git, 'commondir')) ?? '.').trim());
  const found = ref
    ? (textOf(join(git, ref)) ?? textOf(join(common, ref)) ?? packedRef(textOf(join(common, 'packed-refs')) ?? '', ref))
    : head;
  return /^[0-9a-f]{40,64}$/.exec(found?.trim() ?? '')?.[0] ?? null;
}

interface Package {
  readonly root: string;
  readonly name: string;
  readonly version: string;
}

function packageAbove(start: string): Package {
  for (let folder = start; ; folder = dirname(folder)) {
    const { name, version } = JSON.parse(textOf(join(folder, 'package.json')) ?? '{}') as Partial<Package>;
    if (name === 'lingerlab' && version !== undefined) return { root: folder, name, version };
    if (folder === dirname(folder)) throw new Error(`no package.json of lingerlab above ${start}`);
  }
}

let found: Package | undefined;
const here = (): Package => (found ??= packageAbove(dirname(fileURLToPath(import.meta.url))));

/** The folder that holds lingerlab's package.json, whether this runs from src, from dist or from a bundle. */
export const packageRoot = (): string => here().root;

/** This program: its version, and the commit where it runs from a checkout. */
export function tool(): RunRecord['tool'] {
  const { root, version } = here();
  return { name: 'lingerlab', version, commit: commitOf(root) };
}
