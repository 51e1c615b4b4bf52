import type { Declaration, FactValue } from '../record/fact.ts';
import { margin } from '../stats/against.ts';
import { mannWhitney, smallestMannWhitneyP } from '../stats/mann-whitney.ts';
import { median } from '../stats/quantile.ts';
import { factKey, type Observed } from './format.ts';
import { resolutionOf } from './resolution.ts';

/** The chance of a false alarm that a comparison accepts, over all its tests of one sort together. */
export const alpha = 0.05;

/** One fact over the repeats of one cell in one run; what was not observed is left out. */
export interface Sample {
  readonly known: readonly (FactValue | undefined)[];
  readonly hz: number;
  readonly race: boolean;
}

/**
 * How samples of a fact compare by its declaration; `tested`: whether they differ depends on p, and on how
 * many tests are made; `smallest` is the least p that so many repeats can give.
 */
export type Judgement =
  | { readonly kind: 'same' }
  | { readonly kind: 'different'; readonly by: 'exact' }
  | { readonly kind: 'different'; readonly by: 'within'; readonly resolution: number }
  | {
      readonly kind: 'tested';
      readonly p: number;
      readonly smallest: number;
      readonly method: string;
    }
  | { readonly kind: 'untestable'; readonly why: string };

/** The repeats in which a fact was observed or not tried, as a sample. */
export const sampleOf = (values: readonly Observed[], hz: number, race: boolean): Sample => ({
  known: values.filter((value) => value !== null),
  hz,
  race,
});

/** Whether an exact fact of a cell that is no race differs between its repeats. */
export const isUnstable = (declared: Declaration, sample: Sample): boolean =>
  declared.compare === 'exact' && !sample.race && new Set(sample.known.map(factKey)).size > 1;

/** Whether samples of a fact are compared as distributions: they are races, or the fact varied between repeats. */
export const isRace = (declared: Declaration, samples: readonly Sample[]): boolean =>
  declared.compare === 'race' ||
  (declared.compare === 'exact' && samples.some((each) => each.race || isUnstable(declared, each)));

/** Compare two or more samples that are no race, each with at least one known value. A measurement compares two. */
export function judge(declared: Declaration, samples: readonly Sample[]): Judgement {
  if (declared.compare === 'measurement') return judgeMeasurement(samples);
  if (declared.compare === 'within') return judgeWithin(declared, samples);
  const keys = new Set(samples.flatMap(({ known }) => known.map(factKey)));
  return keys.size === 1 ? { kind: 'same' } : { kind: 'different', by: 'exact' };
}

const numbersOf = ({ known }: Sample): number[] => known.filter((value) => typeof value === 'number');

function judgeWithin(declared: Declaration, samples: readonly Sample[]): Judgement {
  const medians = samples.map((sample) => median(numbersOf(sample)));
  if (medians.every(Number.isNaN)) return { kind: 'same' };
  if (medians.some(Number.isNaN)) return { kind: 'untestable', why: 'tried in some only' };
  const resolution = resolutionOf(
    declared,
    medians,
    samples.map(({ hz }) => hz),
  );
  const apart = Math.max(...medians) - Math.min(...medians);
  return apart <= resolution * (1 + 1e-9) ? { kind: 'same' } : { kind: 'different', by: 'within', resolution };
}

function judgeMeasurement(samples: readonly Sample[]): Judgement {
  const [a, b] = samples.map(numbersOf) as [number[], number[]];
  if (a.length === 0 && b.length === 0) return { kind: 'same' };
  if (a.length === 0 || b.length === 0) return { kind: 'untestable', why: 'tried in some only' };
  const smallest = smallestMannWhitneyP(a.length, b.length);
  if (smallest > alpha) return { kind: 'untestable', why: 'too few repeats' };
  if (new Set([...a, ...b]).size === 1) return { kind: 'same' };
  const [less, more] = median(a) < median(b) ? [a, b] : [b, a];
  const { p, method } = mannWhitney(less.map(byMargin), more);
  // with the margin they lie the other way round
  const isWithin = median(less.map(byMargin)) >= median(more);
  return {
    kind: 'tested',
    p: isWithin ? 1 : p,
    smallest,
    method: `Mann–Whitney U beyond ${margin * 100} %, ${method}`,
  };
}

/**
 * Two runs of the same kernel on the same machine differ by a percent or two in what each of their repeats shares: where its
 * processes were placed, what the machine did in that minute. No test of repeats knows of that.
 */
const byMargin = (value: number): number => value * (1 + margin);
