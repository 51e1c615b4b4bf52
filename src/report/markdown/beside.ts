import { existsSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { files } from '../../record/layout.ts';
import { notWritable, replaceFile } from '../../record/save.ts';
import { visibleLines } from '../../text/visible.ts';
import type { Report } from '../model/report.ts';
import { besideReport, drawingsOf } from './drawings.ts';
import { experimentPages } from './page.ts';
import { markdownReport } from './report.ts';

/** Where a run's report is. */
export const reportPath = (folder: string): string => join(folder, 'report.md');

/** A run's report, and the files that it links to, by their names in the folder `report` beside it. */
export interface ReportFiles {
  readonly report: string;
  readonly beside: ReadonlyMap<string, string>;
}

/** A report as the files of a folder; `room`: so many bytes of drawings, instead of all. */
export function reportFiles(report: Report, room?: number): ReportFiles {
  const drawings = drawingsOf(report, room);
  const drawn = new Set(drawings.keys());
  const all = [...experimentPages(report, drawn), ...drawings];
  return {
    // who prints a file on a terminal reads it there, too
    report: visibleLines(markdownReport(report, drawn)),
    beside: new Map(all.map(([name, text]) => [name, visibleLines(text)])),
  };
}

/** A run that is kept takes no more bytes than this: `most` in the Makefile. */
const mostKept = 2_000_000;
/** Its drawings take no more. */
const mostDrawings = 700_000;

/** The files of the report of a run that is kept, with its cells packed: drawings get the room that is left. */
function keptFiles(folder: string, report: Report): ReportFiles {
  const whole = reportFiles(report);
  const pages = [...whole.beside].filter(([name]) => name.endsWith('.md')).map(([, text]) => text);
  const texts = [whole.report, ...pages].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const stored = [files.run, files.packedRun, files.packedCells].reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return reportFiles(report, Math.max(0, Math.min(mostDrawings, mostKept - texts - stored)));
}

/**
 * Puts a run's report into its folder, with what it links to: what an earlier report left there is removed.
 * @throws LingerlabError RUN_NOT_WRITABLE
 */
export async function saveReport(folder: string, report: Report): Promise<void> {
  const isKept = existsSync(join(folder, files.packedCells));
  const made = isKept ? keptFiles(folder, report) : reportFiles(report);
  const beside = join(folder, besideReport);
  try {
    await rm(beside, { recursive: true, force: true });
    if (made.beside.size > 0) await mkdir(beside);
    for (const [name, text] of made.beside) await writeFile(join(beside, name), text);
  } catch (cause) {
    throw notWritable(beside, cause);
  }
  // last: what it links to is there
  await replaceFile(reportPath(folder), made.report);
}
