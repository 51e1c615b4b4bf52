import type { Run, SessionCpu, WireCost } from '../record/schema.ts';
import { formatNumber, formatSeconds, plural } from './format.ts';

type Parts = Pick<SessionCpu, 'harness' | 'observers' | 'peers'>;
type Short = Parts & { readonly results: number };

/** What a run cost the machine, all its sessions together, in seconds of CPU. */
export interface Cost extends Parts {
  /** Sessions that ended before they could say what they cost. */
  readonly unknown: number;
  /** Mean of the results that took less than 1 s; absent where none did. */
  readonly short?: Short;
  /** The same of those that ran over a wire. */
  readonly shortOnWire?: Short;
}

const parts = ['harness', 'observers', 'peers'] as const;
const total = (of: Parts): number => parts.reduce((sum, part) => sum + of[part], 0);

function summed(all: readonly (Parts & { readonly times: number })[]): Parts {
  const of = (part: keyof Parts) => all.reduce((sum, each) => sum + each[part] * each.times, 0);
  return { harness: of('harness'), observers: of('observers'), peers: of('peers') };
}

/** Sessions count by their results. */
function meanOf(all: readonly Short[]): Short | undefined {
  const results = all.reduce((sum, each) => sum + each.results, 0);
  if (results === 0) return undefined;
  return { ...summed(all.map((each) => ({ ...each, times: each.results / results }))), results };
}

/** The run's cost; undefined where no session says. */
export function costOf({ run: { sessions } }: Run): Cost | undefined {
  const known = sessions.flatMap(({ cpu }) => (cpu ? [cpu] : []));
  if (known.length === 0) return undefined;
  const short = meanOf(known.flatMap(({ short: each }) => each ?? []));
  const shortOnWire = meanOf(known.flatMap(({ shortOnWire: each }) => each ?? []));
  return {
    ...summed(known.map((each) => ({ ...each, times: 1 }))),
    unknown: sessions.length - known.length,
    ...(short && { short }),
    ...(shortOnWire && { shortOnWire }),
  };
}

const named = (of: Parts, unit: number): string =>
  parts.map((part) => `${part} ${formatNumber(of[part] * unit)}`).join(', ');

function meanText(what: string, short: Short | undefined): string[] {
  if (!short) return [];
  const whose = `${plural(short.results, 'result')} under 1 s: ${named(short, 1000)}`;
  return [`${what}: ${formatNumber(total(short) * 1000)} ms of CPU (mean of ${whose})`];
}

/**
 * `a short cell: 104 ms of CPU (mean of 456 results under 1 s: harness 12.0, observers 11.1, peers 81.0)`, and one on a wire,
 * which takes a process more; empty where there was none.
 */
export const shortText = ({ short, shortOnWire }: Cost): string =>
  [...meanText('a short cell', short), ...meanText('a short cell on a wire', shortOnWire)].join('; ');

/** `49.1 s: harness 5.80, observers 8.20, peers 35.1`, and what is not in it. */
export function totalText(cost: Cost): string {
  const left = cost.unknown > 0 ? `, without ${plural(cost.unknown, 'session')} that ended too soon to say` : '';
  return `${formatSeconds(total(cost))}: ${named(cost, 1)}${left}`;
}

/** `adds 38.1 µs to a round trip (p99 95.2 µs); 131,000 packets/s, 180 MB/s at MTU 1500`. */
export const wireCostText = ({ mtu, addedP50Us, addedP99Us, packetsPerSecond, megabytesPerSecond }: WireCost): string =>
  `adds ${formatNumber(addedP50Us)} µs to a round trip (p99 ${formatNumber(addedP99Us)} µs); ` +
  `${formatNumber(packetsPerSecond / 1000)}k packets/s, ${formatNumber(megabytesPerSecond)} MB/s at MTU ${mtu}`;
