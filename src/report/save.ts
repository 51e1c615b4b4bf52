import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../record/schema.ts';
import { markdownReport } from './markdown.ts';

/** Where a run's report is. */
export const reportPath = (folder: string): string => join(folder, 'report.md');

/** Make the report from the run alone and put it into its folder. */
export async function saveReport(run: Run): Promise<void> {
  await writeFile(reportPath(run.folder), markdownReport(run));
}
