import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { ownBundle, ownExtension, ownModules } from '../process/own-files.ts';
import { noteImport } from './modules.ts';

/** The module that an experiment imports as `lingerlab`, from which its types are. */
export const ownIndex = new URL(`index${ownExtension}`, ownModules);

/** A statement that only an ES module may have at the beginning of a line. */
const moduleStatement = /^(?:import\s*[\w{*'"]|export\s*(?:[{*]|default\b|const\b|let\b|class\b|function\b|async\b))/m;

/** Node's names for ES modules with and without types. */
const moduleFormats = { '.ts': 'module-typescript', '.js': 'module' } as const;

/** What `import 'lingerlab'` means in this process: the bundle that runs exports what the index does. */
const provider = ownBundle
  ? { url: ownBundle, format: moduleFormats['.js'] }
  : { url: ownIndex.href, format: moduleFormats[ownExtension] };

let provided = false;

/**
 * From now on `import 'lingerlab'` is this program's own index wherever the importing file lies, and a file outside
 * node_modules with import or export statements is an ES module whatever a package.json near it says: a user's file
 * should run the same in a folder where `npm init` wrote "type": "commonjs". What an experiment imports is noted.
 */
export function provideProgram(): void {
  if (provided) return;
  provided = true;
  module.registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'lingerlab') return { ...provider, shortCircuit: true };
      const resolved = next(specifier, context);
      noteImport(context.parentURL, resolved.url);
      const format = moduleFormat(resolved.url, resolved.format);
      return format ? { ...resolved, format } : resolved;
    },
  });
}

/** The format to use instead of what Node found for a file that is an ES module by its statements. */
function moduleFormat(url: string, found: string | null | undefined): string | undefined {
  if (!/^file:.*\.[jt]s$/.test(url) || url.includes('/node_modules/') || found?.startsWith('module')) return undefined;
  try {
    if (!moduleStatement.test(readFileSync(fileURLToPath(url), 'utf8'))) return undefined;
  } catch {
    // what cannot be read is Node's to report
    return undefined;
  }
  return moduleFormats[url.endsWith('.ts') ? '.ts' : '.js'];
}
