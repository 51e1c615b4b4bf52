import type { Seen } from '../experiment/load.ts';
import type { CellEvents } from '../record/cell-events.ts';
import type { Event } from '../record/event.ts';

/** Of a load's samples so many sockets are kept; with more of them a minute of looks would take gigabytes of memory. */
const mostSockets = 50_000;

/**
 * Takes what observers tell of a load, and counts it. Kept is what tells how it went, not what became of each of ten thousands of
 * connections: no event of tracepoints, a dozen of each; of samples the sockets that live: how many TIME-WAITs there were is among the facts.
 */
export function countingEvents(events: CellEvents): { readonly seen: Seen; readonly add: (event: Event) => void } {
  const seen = { samples: 0, traced: 0, lost: 0 };
  let sockets = 0;
  return {
    seen,
    add(event) {
      if (event.kind === 'lost') seen.lost += event.count;
      if (event.source === 'trace') seen.traced++;
      else if (event.kind === 'sample') {
        seen.samples++;
        const living = event.sockets.filter(({ state }) => state !== 'TIME-WAIT');
        sockets += living.length;
        if (sockets <= mostSockets) events.add({ ...event, sockets: living });
      } else events.add(event);
    },
  };
}
