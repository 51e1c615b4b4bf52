import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LingerlabError } from '../errors.ts';
import { type AnyDefinition, type Group, isExperiment, type LoadedExperiment } from '../experiment/definition.ts';
import { answerMs, settlesWithin } from '../process/deadline.ts';
import { ofExperiment } from '../process/experiment-code.ts';
import { readRegular } from '../record/regular.ts';
import { modulesOf, sourceHashOf } from './modules.ts';
import { provideProgram } from './program.ts';
import { refusal, unreadable } from './refusal.ts';
import { validateDefinition } from './validate.ts';

const extensions = ['.ts', '.mts', '.js', '.mjs'];

/** The group of experiments that have no other: the last. */
export const ungrouped: Group = { title: 'Experiments', order: Number.MAX_SAFE_INTEGER };

/**
 * Load a user's own experiment from anywhere on disk: TypeScript by stripping its types, JavaScript as it is; its
 * `import 'lingerlab'` is this program. `path` is relative to the working directory.
 *
 * Throws EXPERIMENT_LOAD where there is no such file, it throws, or its default export is no experiment;
 * EXPERIMENT_SYNTAX with the position; BAD_DEFINITION.
 */
export async function loadFile(path: string): Promise<LoadedExperiment> {
  const file = resolve(path);
  const bytes = await sourceOf(path);
  const definition = await importDefinition(file, path);
  const modules = modulesOf(file);
  return {
    definition,
    group: { ...ungrouped, title: definition.group ?? ungrouped.title },
    file,
    builtin: false,
    modules,
    sourceHash: await sourceHashOf(file, bytes, modules),
  };
}

/**
 * The bytes of a file that an experiment can be in.
 * Throws EXPERIMENT_LOAD where it cannot be read, or is no TypeScript or JavaScript file by its name.
 */
export async function sourceOf(path: string): Promise<Buffer> {
  const bytes = readRegular(resolve(path)).catch(async (cause: unknown) => {
    throw await unreadable(path, cause);
  });
  if (extensions.includes(extname(path))) return await bytes;
  // where it is not there, that is what is wrong
  await bytes;
  throw new LingerlabError(
    'EXPERIMENT_LOAD',
    `${path} is not a TypeScript or JavaScript file`,
    `an experiment's file ends in one of ${extensions.join(' ')}`,
  );
}

/** The checked definition in a file; `origin` is what messages call it. Throws as {@link loadFile} does. */
export async function importDefinition(file: string, origin: string): Promise<AnyDefinition> {
  provideProgram();
  const loading: Promise<Exports> = ofExperiment(() => import(pathToFileURL(file).href));
  if (!(await settlesWithin(loading, answerMs))) throw unsettled(origin);
  const exported = await loading.catch(async (cause: unknown) => {
    throw await refusal(file, origin, cause);
  });
  if (isExperiment(exported.default)) return validateDefinition(exported.default.definition, origin);
  throw noExperiment(exported, origin);
}

const unsettled = (origin: string): LingerlabError =>
  new LingerlabError(
    'EXPERIMENT_LOAD',
    `${origin} did not finish loading within ${answerMs / 1000} s: an await at its top level does not end`,
    'await inside the scenario; a file may only declare its experiment',
  );

type Exports = Readonly<Record<string, unknown>> & { readonly default?: unknown };

function noExperiment(exported: Exports, origin: string): LingerlabError {
  const elsewhere = Object.keys(exported).find((name) => isExperiment(exported[name]));
  if (elsewhere !== undefined) {
    return new LingerlabError(
      'EXPERIMENT_LOAD',
      `${origin} exports its experiment as ${elsewhere}, not as its default`,
      `write \`export default experiment({ … })\`, or add \`export default ${elsewhere};\``,
    );
  }
  const what = 'default' in exported ? "'s default export is not an experiment" : ' has no default export';
  return new LingerlabError(
    'EXPERIMENT_LOAD',
    `${origin}${what}`,
    "write `import { experiment } from 'lingerlab';` and `export default experiment({ … });`",
  );
}
