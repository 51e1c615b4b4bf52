import { rm } from 'node:fs/promises';
import { countingEvents, loadFindings } from '../load/facts.ts';
import { cellEvents } from '../record/cell-events.ts';
import type { CellRecord } from '../record/schema.ts';
import { oddPackets } from '../wire/statistics.ts';
import { makeLoadStage } from './load-stage.ts';
import { makePlaying, play } from './playing.ts';
import { type LoadWork, type Log, type Played, recorded } from './work.ts';

/**
 * One (cell, repeat) in which throughput is measured: no peers, and observers that look only when they are asked to. What is kept
 * is counts. Rejects only when the run is being interrupted.
 */
export async function runLoadCell(work: LoadWork): Promise<CellRecord> {
  const log: Log = { events: cellEvents(), unparsed: [], left: [] };
  // its connections are not traced: there are no chains to be sound
  return recorded(
    work,
    log,
    () => playLoad(work, log),
    () => [],
  );
}

async function playLoad(work: LoadWork, { events, unparsed, left }: Log): Promise<Played> {
  const { planned, definition, repeat, writer } = work;
  const { seen, add: record } = countingEvents(events);
  // hundreds of thousands of packets, of which nothing is asked but what they cost
  await using _capture = {
    [Symbol.asyncDispose]: () => rm(writer.capture(planned.id, repeat), { force: true }),
  };
  await using playing = await makePlaying(work, {
    record,
    unparsed: (line) => unparsed.push(line),
    warned: (warning) => left.push(warning),
    samples: false,
    telling: { telling: 'none' },
  });
  await using loading = makeLoadStage(work, playing, seen);
  const { statistics } = await play(work, playing, () => definition.scenario(loading.stage, planned.factors), {
    settle: async () => undefined,
    silent: async () => [],
  });
  const { facts = {}, unknown = {} } = loading.loaded ? loadFindings(loading.loaded) : {};
  const odd = statistics && oddPackets(statistics);
  // that the wire falls behind is what it costs, and no warning
  return {
    facts: { ...facts, ...loading.notes.facts },
    unknown: { ...unknown, ...loading.notes.unknown },
    paths: {},
    warnings: [],
    ...(odd && { odd }),
  };
}
