import { readRun } from '../record/read.ts';
import { reportPath, saveReport } from '../report/save.ts';
import { terminalSummary } from '../report/terminal.ts';
import { answer, answerJson, columnsOf, wantsColor } from './output.ts';
import { runAnswer } from './runAnswer.ts';

/** `lingerlab report RUN`: make the report again from the folder alone. */
export async function report(folder: string, { json }: { readonly json: boolean }): Promise<void> {
  const run = await readRun(folder);
  await saveReport(run);
  if (json) return answerJson(runAnswer(run));
  const options = { color: wantsColor(process.stdout), width: columnsOf(process.stdout) };
  answer(terminalSummary(run, { ...options, report: reportPath(run.folder) }));
}
