import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What only `check` and `new` need, and no run: 70 MB. */
const leftOut = new Set(['typescript', 'oxlint', 'oxlint-tsgolint', '@types/node']);
/** The runtime is in the image by itself. */
const isRuntime = (name: string): boolean => /^node-linux-/.test(name);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The folder of a package that another one imports: Node looks for it in each node_modules on the way up. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The packages that a run of the program in a folder imports, and those that they import: folders by the name to install them under. */
export function runtimePackages(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (folder: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (leftOut.has(name) || isRuntime(name) || found.has(name)) continue;
      const at = folderOf(name, folder);
      // an optional one of another platform is not installed; one in the folder of its importer is copied with that
      if (at === undefined || (folder !== root && at.startsWith(`${folder}/`))) continue;
      found.set(name, at);
      visit(at);
    }
  };
  visit(root);
  return found;
}
