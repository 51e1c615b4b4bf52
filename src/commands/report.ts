import { pageNameOf, savePage } from '../page/save.ts';
import { readRun } from '../record/read.ts';
import { ladderSvg } from '../report/ladder/svg.ts';
import { reportPath, saveReport } from '../report/markdown/beside.ts';
import { markdownReport } from '../report/markdown/report.ts';
import { reportOf } from '../report/model/report.ts';
import { terminalSummary } from '../report/terminal/summary.ts';
import { ladderCell } from './ladder.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';
import { runAnswer } from './run-answer.ts';

interface ReportOptions {
  readonly json: boolean;
  /** Print report.md's text: nothing is saved. */
  readonly markdown: boolean;
  /** Print every finding. */
  readonly verbose: boolean;
  /** A cell's id: its sequence diagram is the answer, and no report is made. */
  readonly ladder?: string;
}

/**
 * `lingerlab report RUN`: make the report again from the folder alone. Where it cannot be saved, the answer is given nevertheless.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION where `ladder` names a cell that has none; RUN_NOT_WRITABLE, NOT_MADE, after the answer
 */
export async function report(folder: string, { json, markdown, verbose, ladder }: ReportOptions): Promise<void> {
  const run = await readRun(folder);
  if (ladder !== undefined) return answer(ladderSvg(ladderCell(run, ladder)));
  const made = reportOf(run);
  if (markdown) return answer(markdownReport(made));
  const notSaved = await saveReport(run.folder, made)
    .then(() => savePage(run.folder, run, made))
    .catch((error: unknown) => ({ error }));
  if (json) answerJson(runAnswer(run));
  else {
    const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout), verbose };
    answer(
      terminalSummary(made, { ...options, ...(notSaved ? {} : { path: reportPath(run.folder), ...pageNameOf(run) }) }),
      {
        styled: options.color,
      },
    );
  }
  if (notSaved) throw notSaved.error;
}
