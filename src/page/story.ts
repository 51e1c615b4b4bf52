import { formatSeconds } from '../facts/values.ts';
import type { CellRecord } from '../record/schema.ts';
import { callText, heldText, refusalText } from '../report/timeline/calls.ts';

/** One thing that happened in a result. */
export interface Step {
  /** ns from the result's first event. */
  readonly t: number;
  /** `client`, `old.server`. */
  readonly who: string;
  readonly kind: 'state' | 'call' | 'look';
  readonly text: string;
  /** How it is known, where that is not exactly. */
  readonly how: string;
  /** What it is called in the drawings. */
  readonly key: string;
}

/** What happened in a result, in the order of time: states, calls, and what ss showed. Segments are in its ladder. */
export function storyOf({ paths, ends = {} }: Pick<CellRecord, 'paths' | 'ends'>): Step[] {
  const states = Object.entries(paths).flatMap(([who, path]) =>
    path.map(({ state, at, notBefore, evidence, source, mini }, index): Step => {
      const same = path[index - 1]?.state === state;
      const text = same
        ? `${state} goes on in a mini-socket`
        : `enters ${state}${mini && state !== 'TIME-WAIT' ? ', a mini-socket' : ''}`;
      const range =
        evidence === 'exact' || notBefore === undefined
          ? ''
          : `, in the ${formatSeconds((at - notBefore) / 1e9)} before`;
      return {
        t: at,
        who,
        kind: 'state',
        text,
        how: evidence === 'exact' ? '' : `${evidence} by ${source}${range}`,
        key: `${who}:${state}`,
      };
    }),
  );
  const doings = Object.entries(ends).flatMap(([who, { calls = [], more = 0, looks = [] }]) => [
    ...calls.map((call, index): Step => {
      const left =
        more > 0 && index === calls.length - 8 ? ` (${more} more calls before it are not recorded here)` : '';
      return {
        t: call.t,
        who,
        kind: 'call',
        // as in events.ndjson.gz, less what says whose it is
        text: `${callText(call as never)}${refusalText(call as never)}${heldText(call as never)}${left}`,
        how: '',
        key: `call:${who}:${call.t}`,
      };
    }),
    ...looks.map(({ t, until, state, times }): Step => {
      // what a look shows was so by its end
      const often = times > 1 ? `: the last of ${times} looks in ${formatSeconds((until - t) / 1e9)}` : '';
      const text = `ss shows ${state ?? 'no socket'}${often}`;
      return { t: until, who, kind: 'look', text, how: '', key: `look:${who}:${until}` };
    }),
  ]);
  return [...states, ...doings].sort((a, b) => a.t - b.t);
}
