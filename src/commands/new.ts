import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtinIds } from '../catalogue/registry.ts';
import { idPattern } from '../catalogue/validate.ts';
import { type ExitCode, exitCode, LingerlabError, messageOf } from '../errors.ts';
import { packageRoot } from '../record/tool.ts';
import { answer } from './output.ts';

/** The id of the template, wherever the file has it. */
const placeholder = 'my-question';

/** `lingerlab new ID`: writes ID.ts, an experiment to begin with, and prints how to go on. Throws BAD_OPTION, FILE_EXISTS, FILE_NOT_WRITABLE. */
export async function newExperiment(id: string): Promise<ExitCode> {
  if (!idPattern.test(id))
    throw new LingerlabError(
      'BAD_OPTION',
      `new: "${id}" is not a valid id of an experiment`,
      `give lower-case words joined by hyphens, such as ${placeholder}`,
    );
  if ((await builtinIds()).has(id))
    throw new LingerlabError(
      'BAD_OPTION',
      `new: an experiment with the id "${id}" comes with the program`,
      'choose another id: each experiment of a run needs its own',
    );
  const template = await readFile(join(packageRoot(), 'templates', `${placeholder}.ts`), 'utf8');
  const file = `${id}.ts`;
  await writeFile(file, template.replaceAll(placeholder, id), { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST'
      ? new LingerlabError('FILE_EXISTS', `${file} exists`, 'choose another id, or move the file away', { cause })
      : new LingerlabError(
          'FILE_NOT_WRITABLE',
          `${file}: ${messageOf(cause)}`,
          'change to a folder in which you may write',
          { cause },
        );
  });
  answer(`${file} is written. Next:\n  lingerlab check ./${file}\n  lingerlab run ./${file}`);
  return exitCode.ok;
}
