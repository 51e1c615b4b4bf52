import { writeFile } from 'node:fs/promises';
import { type Derived, derive } from '../facts/derive.ts';
import { unsound } from '../facts/soundness.ts';
import { cellEvents } from '../record/cell-events.ts';
import type { CellRecord, Warning } from '../record/schema.ts';
import { oddPackets, wireWarnings } from '../wire/statistics.ts';
import { latenessOf } from './lateness.ts';
import { makePeers } from './peers.ts';
import { makePlaying, play } from './playing.ts';
import { makeStage } from './stage.ts';
import { type Log, type Played, recorded, type ScenarioWork, type Seen } from './work.ts';

/** The wire reports all packets of a scenario up to this number, then only those that open, close or reset or that a rule decides. */
const told = { telling: 'all', tellAllUpTo: 2000 } as const;

/**
 * Runs one (cell, repeat) in which peers play a scenario: lab, observers, scenario, record, facts, verdicts. Rejects only when the
 * run is being interrupted.
 */
export async function runCell(work: ScenarioWork): Promise<CellRecord> {
  const log: Log = { events: cellEvents(), unparsed: [], left: [] };
  // without the trace there are no chains to be sound
  const flaws = () => (work.observers.sight.transitions ? unsound(log.events.all) : []);
  return recorded(
    work,
    log,
    () => playCell(work, log),
    flaws,
    () => seenIn(derive(log.events.all, work.observers.sight)),
  );
}

/** What there is to draw of a cell. */
const seenIn = ({ paths, ends, segments, incarnations, asides }: Derived): Seen => ({
  paths,
  ...(Object.keys(ends).length > 0 && { ends }),
  ...(segments.length > 0 && {
    segments,
    ...(incarnations.length > 0 && { incarnations }),
    ...(asides.length > 0 && { asides }),
  }),
});

async function playCell(work: ScenarioWork, { events, unparsed, left }: Log): Promise<Played> {
  const { planned, definition, repeat, writer, observers } = work;
  const warned = (warning: Warning) => void left.push(warning);
  await using playing = await makePlaying(work, {
    record: (event) => events.add(event),
    unparsed: (line) => unparsed.push(line),
    warned,
    samples: true,
    telling: told,
  });
  await using peers = makePeers(work, playing, warned);
  const { stage, notes } = await makeStage(work, playing, peers, events.all);
  await using _logs = {
    async [Symbol.asyncDispose]() {
      for (const { peer, text } of peers.logs())
        if (text) await writeFile(writer.peerLog(planned.id, repeat, peer), text);
    },
  };
  const { statistics, stood } = await play(work, playing, () => definition.scenario(stage, planned.factors), peers);
  const derived = derive(events.all, observers.sight);
  const { facts, unknown, warnings } = derived;
  const odd = statistics && oddPackets(statistics);
  return {
    ...seenIn(derived),
    paths: derived.paths,
    unknown: { ...unknown, ...notes.unknown },
    facts: { ...facts, ...notes.facts },
    warnings: [...warnings, ...(statistics ? wireWarnings(statistics, events.all) : [])],
    ...(odd && { odd }),
    late: latenessOf(events.all, stood, statistics),
  };
}
