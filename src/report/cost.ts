import type { Run, SessionCpu } from '../record/schema.ts';
import { formatNumber, formatSeconds, plural } from './format.ts';

type Parts = Pick<SessionCpu, 'harness' | 'observers' | 'peers'>;

/** What a run cost the machine, all its sessions together, in seconds of CPU. */
export interface Cost extends Parts {
  /** Sessions that ended before they could say what they cost. */
  readonly unknown: number;
  /** Mean of the results that took less than 1 s; absent where none did. */
  readonly short?: Parts & { readonly results: number };
}

const parts = ['harness', 'observers', 'peers'] as const;
const total = (of: Parts): number => parts.reduce((sum, part) => sum + of[part], 0);

function summed(all: readonly (Parts & { readonly times: number })[]): Parts {
  const of = (part: keyof Parts) => all.reduce((sum, each) => sum + each[part] * each.times, 0);
  return { harness: of('harness'), observers: of('observers'), peers: of('peers') };
}

/** The run's cost; undefined where no session says. */
export function costOf({ run: { sessions } }: Run): Cost | undefined {
  const known = sessions.flatMap(({ cpu }) => (cpu ? [cpu] : []));
  if (known.length === 0) return undefined;
  const short = known.flatMap(({ short: each }) => (each ? [each] : []));
  const results = short.reduce((sum, each) => sum + each.results, 0);
  return {
    ...summed(known.map((each) => ({ ...each, times: 1 }))),
    unknown: sessions.length - known.length,
    ...(results > 0 && {
      short: { ...summed(short.map((each) => ({ ...each, times: each.results / results }))), results },
    }),
  };
}

const named = (of: Parts, unit: number): string =>
  parts.map((part) => `${part} ${formatNumber(of[part] * unit)}`).join(', ');

/** `a short cell: 104 ms of CPU (mean of 456 results under 1 s: harness 12.0, observers 11.1, peers 81.0)`. */
export function shortText({ short }: Cost): string {
  if (!short) return '';
  const whose = `${plural(short.results, 'result')} under 1 s: ${named(short, 1000)}`;
  return `a short cell: ${formatNumber(total(short) * 1000)} ms of CPU (mean of ${whose})`;
}

/** `49.1 s: harness 5.80, observers 8.20, peers 35.1`, and what is not in it. */
export function totalText(cost: Cost): string {
  const left = cost.unknown > 0 ? `, without ${plural(cost.unknown, 'session')} that ended too soon to say` : '';
  return `${formatSeconds(total(cost))}: ${named(cost, 1)}${left}`;
}
