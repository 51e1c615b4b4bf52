import type { EndDoings } from '../record/schema.ts';
import { toldBy } from './application.ts';
import type { CellView, EndView } from './connections.ts';

/** Calls of an end that are recorded at most: if there are more, the first and the last ones. */
const mostCalls = 24;
const lastCalls = 8;
/** Runs of looks with the same result that are recorded at most. */
const mostLooks = 16;

/** What an end's application called, and what `ss` showed of its socket, in short. */
export function doingsOf(view: CellView, end: EndView): EndDoings | undefined {
  const { calls, more } = callsOf(view, end);
  const looks = looksOf(end);
  if (calls.length === 0 && looks.length === 0) return undefined;
  return { ...(calls.length > 0 && { calls }), ...(more > 0 && { more }), ...(looks.length > 0 && { looks }) };
}

function callsOf(view: CellView, end: EndView): { calls: NonNullable<EndDoings['calls']>; more: number } {
  if (end.endpoint === null) return { calls: [], more: 0 };
  const all = toldBy(view, end).calls.map(
    ({ source: _source, kind: _kind, peer: _peer, endpoint: _endpoint, socket: _socket, ...call }) => call,
  );
  if (all.length <= mostCalls) return { calls: all, more: 0 };
  const calls = [...all.slice(0, mostCalls - lastCalls), ...all.slice(-lastCalls)];
  return { calls, more: all.length - calls.length };
}

/** Looks in a row that showed the same state, or no socket, as one. */
function looksOf({ looks }: EndView): NonNullable<EndDoings['looks']> {
  const runs: { t: number; until: number; state: NonNullable<EndDoings['looks']>[number]['state']; times: number }[] =
    [];
  for (const { from, until, socket } of looks) {
    const state = socket?.state ?? null;
    const last = runs.at(-1);
    if (last?.state === state) runs.splice(-1, 1, { ...last, until, times: last.times + 1 });
    else runs.push({ t: from, until, state, times: 1 });
  }
  return runs.slice(0, mostLooks);
}
