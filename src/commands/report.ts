import { readRun } from '../record/read.ts';
import { ladderSvg } from '../report/ladder/svg.ts';
import { reportPath, saveReport } from '../report/markdown/report.ts';
import { reportOf } from '../report/model/report.ts';
import { terminalSummary } from '../report/terminal/summary.ts';
import { ladderCell } from './ladder.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';
import { runAnswer } from './run-answer.ts';

interface ReportOptions {
  readonly json: boolean;
  /** A cell's id: its ladder diagram is the answer, and no report is made. */
  readonly ladder?: string;
}

/**
 * `lingerlab report RUN`: make the report again from the folder alone.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION where `ladder` names a cell that has none
 */
export async function report(folder: string, { json, ladder }: ReportOptions): Promise<void> {
  const run = await readRun(folder);
  if (ladder !== undefined) return answer(ladderSvg(ladderCell(run, ladder)));
  const made = reportOf(run);
  await saveReport(run.folder, made);
  if (json) return answerJson(runAnswer(run));
  const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout) };
  answer(terminalSummary(made, { ...options, path: reportPath(run.folder) }));
}
