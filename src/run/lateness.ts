import type { Event, Ns } from '../record/event.ts';
import type { Lateness } from '../record/lateness.ts';
import type { WireStatistics } from '../record/wire-statistics.ts';

interface Span {
  readonly from: Ns;
  readonly until: Ns;
}

/** When the scenario itself had a peer stopped. */
function stops(events: readonly Event[], peer: string): Span[] {
  const spans: Span[] = [];
  let from: Ns | undefined;
  for (const event of events) {
    if (event.kind !== 'signal' || event.peer !== peer) continue;
    if (event.signal === 'SIGSTOP') from ??= event.t;
    else if (event.signal === 'SIGCONT' && from !== undefined) {
      spans.push({ from, until: event.t });
      from = undefined;
    }
  }
  return from === undefined ? spans : [...spans, { from, until: Number.POSITIVE_INFINITY }];
}

const shared = (a: Span, b: Span): Ns => Math.max(0, Math.min(a.until, b.until) - Math.max(a.from, b.from));
const longest = (all: readonly number[]): number => all.reduce((most, each) => Math.max(most, each), 0);
const tenths = (ms: number): number => Math.round(ms * 10) / 10;
const msOf = (ns: Ns): number => tenths(ns / 1e6);

/** How late each peer was at the longest while its scenario was played, beyond what that had it stopped for. */
function peersMs(events: readonly Event[]): Lateness['peersMs'] {
  const began = events.find(({ kind }) => kind === 'scenario-begins')?.t ?? 0;
  const names = new Set(events.flatMap((event) => (event.source === 'peer' ? [event.peer] : [])));
  return Object.fromEntries(
    [...names].map((peer) => {
      const own = stops(events, peer);
      const late = events.flatMap((event) => {
        if (event.kind !== 'late' || event.peer !== peer) return [];
        const span = { from: Math.max(began, event.t - event.ns), until: event.t };
        return [span.until - span.from - own.reduce((sum, stop) => sum + shared(span, stop), 0)];
      });
      return [peer, msOf(longest(late))];
    }),
  );
}

/** A slow look shows a state as late as an observer that does not run. */
const looksNs = (events: readonly Event[]): Ns =>
  longest(events.flatMap((event) => (event.kind === 'sample' ? [event.until - event.t] : [])));

/** How long the harness and the observers did not run while a scenario was played. */
export interface Stood {
  readonly harnessNs: Ns;
  readonly observersNs: Ns;
}

/** How late a cell's processes were, from what each reports of itself. */
export const latenessOf = (
  events: readonly Event[],
  { harnessNs, observersNs }: Stood,
  wire: WireStatistics | undefined,
): Lateness => ({
  harnessMs: msOf(harnessNs),
  observersMs: msOf(Math.max(observersNs, looksNs(events))),
  peersMs: peersMs(events),
  ...(wire && { wireMs: tenths(longest([wire.longestStallMs, wire.longestBacklogMs, wire.latestMs])) }),
});
