import { type ExitCode, exitCode, LingerlabError } from '../errors.ts';
import { readRun } from '../record/read.ts';
import { compareRuns } from '../report/compare/compare.ts';
import { comparisonMarkdown } from '../report/compare/markdown.ts';
import { comparisonText } from '../report/compare/text.ts';
import { toldOf } from '../report/compare/told.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';

export interface CompareOptions {
  readonly json: boolean;
  readonly markdown: boolean;
  readonly failOn?: 'behaviour' | 'performance';
}

/** `lingerlab compare RUN RUN…`: 1 with `--fail-on` where a difference of that kind was found. */
export async function compare(folders: readonly string[], options: CompareOptions): Promise<ExitCode> {
  if (folders.length < 2) {
    throw new LingerlabError(
      'BAD_OPTION',
      'compare needs two runs or more, and one is named',
      'name another run folder',
    );
  }
  const comparison = compareRuns(await Promise.all(folders.map((folder) => readRun(folder))));
  if (options.json) answerJson(comparison);
  else if (options.markdown) answer(comparisonMarkdown(toldOf(comparison)));
  else {
    const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout) };
    answer(comparisonText(toldOf(comparison), options), { styled: options.color });
  }
  const found = options.failOn ? comparison[options.failOn] : 0;
  const nothing = options.failOn !== undefined && comparison.compared.facts === 0;
  if (nothing) process.stderr.write('lingerlab: nothing could be compared, so --fail-on fails\n');
  return found > 0 || nothing ? exitCode.failed : exitCode.ok;
}
