import { formatSeconds } from './format.ts';
import type { Ladder, LadderRow } from './ladder.ts';

/** Digits beyond which a time says no more. */
const mostDigits = 6;

/** Says each time of a ladder since its first row, in digits enough to tell it from its neighbours. */
export type Times = (ns: number) => string;

/** The times of a ladder's rows as texts: `0 ms`, `+25.0 µs`, `+204.06 ms`. */
export function timesOf({ rows, origin }: Ladder): Times {
  const all = [...new Set(rows.flatMap(momentsIn))].sort((a, b) => a - b);
  const texts = new Map(
    all.map((ns, index) => {
      const others = [all[index - 1], all[index + 1]].filter((other) => other !== undefined);
      for (let digits = 3; digits < mostDigits; digits++) {
        const text = since(ns - origin, digits);
        if (!others.some((other) => since(other - origin, digits) === text)) return [ns, text];
      }
      return [ns, since(ns - origin, mostDigits)];
    }),
  );
  return (ns) => texts.get(ns) ?? since(ns - origin, 3);
}

/** Rows that are told without a time. */
const untimed: ReadonlySet<LadderRow['kind']> = new Set(['pause', 'gap', 'omitted', 'begins']);

/** Times that a row is told by. */
function momentsIn(row: LadderRow): number[] {
  if (untimed.has(row.kind)) return [];
  if (row.kind !== 'state') return [row.at];
  const { step, at, full, mini } = row;
  return [step.evidence === 'exact' ? step.at : at, full, mini?.at].filter((each) => each !== undefined);
}

function since(ns: number, digits: number): string {
  if (ns === 0) return '0 ms';
  const sign = ns < 0 ? '−' : '+';
  return `${sign}${digits === 3 ? formatSeconds(Math.abs(ns) / 1e9) : withDigits(Math.abs(ns) / 1e9, digits)}`;
}

/** As formatSeconds, with more digits. */
function withDigits(seconds: number, digits: number): string {
  const [scale, unit] = seconds >= 1 ? [1, 's'] : seconds >= 1e-3 ? [1e3, 'ms'] : [1e6, 'µs'];
  const value = seconds * (scale as number);
  const whole = Math.floor(Math.log10(value)) + 1;
  // ns is what the clock tells
  const most = unit === 's' ? 9 : unit === 'ms' ? 6 : 3;
  return `${value.toFixed(Math.min(most, Math.max(0, digits - whole)))} ${unit}`;
}
