import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LingerlabError, messageOf } from '../errors.ts';
import { readConclusions } from '../record/read.ts';
import { guideOfRuns } from '../report/guide/guide.ts';
import { guideMarkdown } from '../report/guide/markdown.ts';
import { visibleLines } from '../text/visible.ts';
import { answer, answerJson } from './output.ts';

interface GuideOptions {
  readonly json: boolean;
  /** Write the guide to this file instead. */
  readonly out?: string;
}

/**
 * `lingerlab guide RUN…`: the tuning guide, made from run folders alone. Links lead from the file that it is written to, or from
 * the working folder.
 * @throws LingerlabError FILE_NOT_WRITABLE
 */
export async function guide(folders: readonly string[], { json, out }: GuideOptions): Promise<void> {
  const made = guideOfRuns(await Promise.all(folders.map((folder) => readConclusions(folder))));
  if (json) return answerJson(made);
  if (out === undefined) return answer(guideMarkdown(made, process.cwd()));
  const text = visibleLines(guideMarkdown(made, dirname(resolve(out))));
  await writeFile(out, text).catch((cause: unknown) => {
    throw new LingerlabError('FILE_NOT_WRITABLE', `${out}: ${messageOf(cause)}`, 'choose another file with --out', {
      cause,
    });
  });
  answer(`${out} is written.`);
}
