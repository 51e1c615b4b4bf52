import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { made } from '../process/made.ts';
import { packageRoot } from '../record/tool.ts';

/** Folder of the program as a package holds it: of a package its own, of a checkout what is compiled from its present sources. Throws NOT_MADE. */
export const compiledProgram = (): string =>
  import.meta.url.endsWith('.js')
    ? fileURLToPath(new URL('../..', import.meta.url))
    : made({ name: 'compiled', how: 'tsc -p tsconfig.build.json', make: compile });

function compile(folder: string): string[] {
  const root = packageRoot();
  const run = (...args: string[]): unknown => execFileSync(process.execPath, args, { cwd: root, stdio: 'pipe' });
  run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', folder);
  run(join(root, 'src', 'process', 'bundle.ts'), join(folder, 'src'));
  run(join(root, 'src', 'catalogue', 'hashes.ts'), join(folder, 'experiments'));
  const sources = ['src', 'experiments'].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(root, part, path)),
  );
  return [...sources, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
}
