import { join } from 'node:path';
import { replaceFile } from '../record/save.ts';
import type { Run } from '../record/schema.ts';
import { markdownReport } from './markdown.ts';

/** Where a run's report is. */
export const reportPath = (folder: string): string => join(folder, 'report.md');

/** Make the report from the run alone and put it into its folder. @throws LingerlabError RUN_NOT_WRITABLE */
export async function saveReport(run: Run): Promise<void> {
  await replaceFile(reportPath(run.folder), markdownReport(run));
}
