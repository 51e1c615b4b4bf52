import { type ExitCode, exitCode, LingerlabError } from '../errors.ts';
import { saveComparison } from '../page/comparison.ts';
import { readRun } from '../record/read.ts';
import { compareRuns } from '../report/compare/compare.ts';
import { comparisonCsv } from '../report/compare/csv.ts';
import { comparisonMarkdown } from '../report/compare/markdown.ts';
import { comparisonText } from '../report/compare/text.ts';
import { toldOf } from '../report/compare/told.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';

export interface CompareOptions {
  readonly json: boolean;
  readonly markdown: boolean;
  readonly csv: boolean;
  /** Where a page of the comparison is written, beside the answer. */
  readonly html?: string;
  readonly failOn?: 'behaviour' | 'performance';
}

/** A matrix of more columns is no help to a reader. */
const mostRuns = 20;

/**
 * `lingerlab compare RUN RUN…`: 1 with `--fail-on` where a difference of that kind was found.
 * @throws LingerlabError BAD_OPTION; RUN_NOT_WRITABLE, NOT_MADE, behind the answer
 */
export async function compare(folders: readonly string[], options: CompareOptions): Promise<ExitCode> {
  if (folders.length < 2) {
    throw new LingerlabError(
      'BAD_OPTION',
      'compare needs two runs or more, and one is named',
      'name another run folder',
    );
  }
  if (folders.length > mostRuns) {
    throw new LingerlabError(
      'BAD_OPTION',
      `compare takes ${mostRuns} runs at most, and ${folders.length} are named`,
      'name fewer run folders',
    );
  }
  const runs = await Promise.all(folders.map((folder) => readRun(folder)));
  const comparison = compareRuns(runs);
  const { html } = options;
  const notSaved =
    html === undefined
      ? undefined
      : await saveComparison(comparison, runs, html).then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
  if (options.json) answerJson(comparison);
  else if (options.markdown) answer(comparisonMarkdown(toldOf(comparison)));
  else if (options.csv) answer(comparisonCsv(comparison));
  else {
    const layout = { color: wantsColor(process.stdout), width: columnsOf(process.stdout) };
    const page = html !== undefined && !notSaved ? `\nPage: ${html}\n` : '';
    answer(comparisonText(toldOf(comparison), layout) + page, { styled: layout.color });
  }
  if (notSaved) throw notSaved.error;
  const found = options.failOn ? comparison[options.failOn] : 0;
  const nothing = options.failOn !== undefined && comparison.compared.facts === 0;
  if (nothing) process.stderr.write('lingerlab: nothing could be compared, so --fail-on fails\n');
  return found > 0 || nothing ? exitCode.failed : exitCode.ok;
}
