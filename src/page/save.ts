import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pageFiles } from '../process/entry.ts';
import { replaceFile } from '../record/save.ts';
import type { Run } from '../record/schema.ts';
import { type Report, reportOf } from '../report/model/report.ts';
import { dataOf } from './data.ts';
import { guideOfPage } from './guide.ts';
import { dataPlace, type PageInput } from './parts.ts';

/** A page that is no larger is still sent by mail and opened at once; a run of the default matrix has room in it. */
export const mostBytes = 2_450_000;

/** Of more results most would have no room: a page of 9,263 took 600 MB of memory and 5 s to make. */
export const mostResults = 5000;

/** Where a run's page is. */
export const pagePath = (folder: string): string => join(folder, 'report.html');

/** The page's name, of a run that has one. */
export const pageNameOf = ({ cells }: Pick<Run, 'cells'>): { readonly page?: string } =>
  cells.length <= mostResults ? { page: 'report.html' } : {};

/** A run's page: one file that needs nothing else. Throws NOT_MADE. */
export async function pageOf(run: Run, report: Report = reportOf(run)): Promise<string> {
  const files = pageFiles();
  const { render } = createRequire(import.meta.url)(files.render) as { render: (input: PageInput) => string };
  const guide = guideOfPage(run);
  const html = render({
    report,
    guide,
    style: readFileSync(files.style, 'utf8'),
    script: readFileSync(files.script, 'utf8'),
  });
  const data = await dataOf(run, report, guide, mostBytes - Buffer.byteLength(html));
  return html.replace(dataPlace, () => data);
}

/**
 * Puts the page of a run, of which this is the report, into its folder; none where the run has too many results.
 * @throws LingerlabError NOT_MADE, RUN_NOT_WRITABLE
 */
export async function savePage(folder: string, run: Run, report: Report): Promise<void> {
  if (pageNameOf(run).page) await replaceFile(pagePath(folder), await pageOf(run, report));
}
