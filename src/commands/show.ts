import { LingerlabError } from '../errors.ts';
import { readEvents, readRun } from '../record/read.ts';
import type { CellRecord } from '../record/schema.ts';
import { reasonText } from '../report/reason.ts';
import { timelineLines } from '../report/timeline/text.ts';
import { type Timeline, timelineOf } from '../report/timeline/timeline.ts';
import { visibleJson } from '../text/visible.ts';
import { answerLines, columnsOf, wantsColor } from './output.ts';
import { resultOf } from './which-cell.ts';

interface ShowOptions {
  readonly all: boolean;
  readonly json: boolean;
  readonly repeat?: number;
}

/**
 * `lingerlab show RUN CELL`: the timeline of one result, from its folder alone.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION, RUN_UNREADABLE
 */
export async function show(folder: string, cell: string, { all, json, repeat }: ShowOptions): Promise<void> {
  const run = await readRun(folder);
  const record = resultOf(run, cell, repeat);
  const events = await readEvents(run.folder, record.id, record.repeat);
  if (events === null) throw withoutEvents(record, run.folder);
  const hz = run.run.sessions.at(-1)?.environment.hz;
  const timeline = timelineOf(events, record, { all: all || json, hz });
  const drawing = { color: wantsColor(process.stdout), width: columnsOf(process.stdout), all };
  await answerLines(json ? jsonLines(timeline) : timelineLines(timeline, drawing));
}

/** The cell, then its entries. */
function* jsonLines({ entries, ...cell }: Timeline): Generator<string> {
  const { folded: _, ...head } = cell;
  yield visibleJson({ kind: 'cell', ...head });
  for (const { tone: _tone, more: _more, count: _count, ...entry } of entries) yield visibleJson(entry);
}

function withoutEvents(record: CellRecord, folder: string): LingerlabError {
  const { id, load, status } = record;
  if (status === 'unsupported') {
    return new LingerlabError('BAD_OPTION', `"${id}" did not run: ${reasonText(record)}`, 'name a cell that ran');
  }
  if (load) {
    return new LingerlabError(
      'BAD_OPTION',
      `"${id}" measures throughput: its record has counts, and no events`,
      'name a cell in which peers play a scenario; `lingerlab report` shows what this one measured',
    );
  }
  return new LingerlabError(
    'BAD_OPTION',
    `${folder} has no events of "${id}"`,
    'a run that is kept has its cells without their events; run the cell again to have them',
  );
}
