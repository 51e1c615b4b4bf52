import { LingerlabError } from '../errors.ts';
import type { Event } from '../record/event.ts';
import { openEvents, readRun } from '../record/read.ts';
import type { CellRecord, Run } from '../record/schema.ts';
import { plural } from '../report/format.ts';
import { reasonText } from '../report/reason.ts';
import { timelineLines } from '../report/timeline/text.ts';
import { type Entry, Survey, type Telling, type Timeline } from '../report/timeline/timeline.ts';
import { visibleJson, visibleLines } from '../text/visible.ts';
import { answerLines, columnsOf, wantsColor } from './output.ts';
import { resultOf } from './which-cell.ts';

interface ShowOptions {
  readonly all: boolean;
  readonly json: boolean;
  readonly repeat?: number;
}

/**
 * `lingerlab show RUN CELL`: the timeline of one result, from its folder alone; without a cell the results that there are.
 * @throws LingerlabError UNKNOWN_CELL, BAD_OPTION, RUN_UNREADABLE
 */
export async function show(
  folder: string,
  cell: string | undefined,
  { all, json, repeat }: ShowOptions,
): Promise<void> {
  const run = await readRun(folder);
  if (cell === undefined) return answerLines(resultLines(run, json));
  const record = resultOf(run, cell, repeat);
  const events = await openEvents(run.folder, record.id, record.repeat);
  if (events === null) throw withoutEvents(record, run.folder);
  const survey = new Survey();
  for await (const event of events()) survey.add(event);
  const hz = run.run.sessions.at(-1)?.environment.hz;
  const telling = survey.telling(record, { all: all || json, hz });
  const drawing = { color: wantsColor(process.stdout), width: columnsOf(process.stdout), all };
  await answerLines(json ? jsonLines(telling, events) : timelineLines(await drawn(telling, events, all), drawing));
}

/** A line for each result, and how one of them is shown. */
function* resultLines({ folder, cells }: Run, json: boolean): Generator<string> {
  for (const record of cells) {
    const { id, repeat, status, reason } = record;
    if (json) yield visibleJson({ kind: 'cell', id, repeat, status, ...(reason && { reason }) });
    else {
      const why = status === 'ran' ? '' : `: ${reasonText(record)}`;
      yield visibleLines(`${id}  repeat ${repeat} · ${status}${why}`);
    }
  }
  if (!json) yield visibleLines(`${plural(cells.length, 'result')}; \`lingerlab show ${folder} CELL\` shows one`);
}

type Events = () => AsyncGenerator<Event>;

/** Each event is read again when its entry is made: their number is not bounded. */
async function* entriesOf(telling: Telling, events: Events): AsyncGenerator<Entry> {
  for await (const event of events()) yield* telling.add(event);
  yield* telling.end();
}

/** The cell, then its entries. */
async function* jsonLines(telling: Telling, events: Events): AsyncGenerator<string> {
  yield visibleJson({ kind: 'cell', ...telling.head });
  for await (const { tone: _tone, more: _more, count: _count, ...entry } of entriesOf(telling, events))
    yield visibleJson(entry);
}

/** What is drawn, without the events that it is of. */
async function drawn(telling: Telling, events: Events, all: boolean): Promise<Timeline> {
  const entries: Entry[] = [];
  for await (const { event: _event, step: _step, more, ...entry } of entriesOf(telling, events))
    entries.push({ ...entry, ...(all && more !== undefined && { more }) });
  return { ...telling.head, entries, folded: telling.folded };
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
    'run the cell again to record its events: kept runs and edited folders may lack them',
  );
}
