import { formatNumber } from '../../facts/values.ts';
import { isWithin } from '../../stats/against.ts';
import { plural } from '../format.ts';
import type { Compared, Load } from './load.ts';

const same = { alike: 'alike', 'not shown': 'not significant' } as const;
interface ComparedWords {
  /** What is compared. */
  readonly of: string;
  /** How a way did against its baseline. */
  readonly differs: Readonly<Record<Compared['differs'], string>>;
}
const wordsOfRate: ComparedWords = { of: 'rate', differs: { more: 'faster', fewer: 'slower', ...same } };
const comparedWords: Readonly<Record<string, ComparedWords>> = {
  'rate.perCpuSecond': { of: 'requests per CPU-second', differs: { more: 'cheaper', fewer: 'dearer', ...same } },
};

/** Over a chart of what was compared. */
export function comparedTitle(fact: string): string {
  const { of } = wordsOf(fact);
  return `${of.charAt(0).toUpperCase()}${of.slice(1)} relative to its baseline`;
}

/** The words for a fact of which loads are compared. */
export const wordsOf = (fact: string): ComparedWords => comparedWords[fact] ?? wordsOfRate;

export const windowTitle = 'How rate, latency and TIME-WAIT changed during the measurement';
export const throughTitle =
  'medians of all repeats, drawn from 0 to the largest value of all ways; quartiles of the first and the last interval';
export const costsTitle =
  'Other costs (medians; times are for one request), and in how many results each process was CPU-bound';

export const numbersTitle = (load: Load): string =>
  `Rates and times with their spread, and costs${isCompared(load) ? '; how they were compared' : ''}`;

export const spreadsTitle = (load: Load): string =>
  `Medians of ${repeatsText(load)}, with the smallest and the largest repeat in parentheses${isCompared(load) ? '; and how many of the repeats are compared' : ''}`;

/** How the ways were compared. */
export const methodText = (load: Load): string =>
  `${pairingText(load)} The medians include repeats that were not compared, as on a busy machine: the ratio can differ from the quotient of two medians. The ratio has its interval at 95 %, which is not corrected for the number of comparisons. A way counts as different where Wilcoxon's test of signed ranks shows more than ${load.margin * 100} %, corrected by Holm at α = ${load.alpha}.`;

const pairingText = ({ pairing }: Load): string =>
  pairing === 'neighbours'
    ? 'Each repeat of a way is compared with its baseline just before it and just after it (their geometric mean).'
    : 'Each way is compared with its baseline, repeat by repeat.';

/** What a reader must know of the table: when the repeats ended, and how an interval and a verdict can seem to disagree. */
export function notes(load: Load): string {
  const { ended, ways, margin } = load;
  const compared = ways.flatMap(({ against }) => against ?? []);
  const isBeyond = ({ differs, interval }: Compared) =>
    differs === 'not shown' && interval && (interval[0] > 1 + margin || interval[1] < 1 / (1 + margin));
  return [
    ended && endedText(ended, compared),
    compared.some(isBeyond) &&
      `Only the verdicts are corrected for ${compared.length} comparisons (Holm), not the intervals. So a way can be “not significant” although its interval lies wholly beyond ${margin * 100} %.`,
  ]
    .filter(Boolean)
    .join(' ');
}

function endedText({ by, within, seconds }: NonNullable<Load['ended']>, compared: readonly Compared[]): string {
  const share = `± ${formatNumber(within * 100)} %`;
  const narrow = compared.filter(
    ({ ratio, interval }) => interval && isWithin({ ratio, low: interval[0], high: interval[1] }, within),
  ).length;
  if (by === 'narrow') return `The repeats ended when each interval was within ${share} of its ratio.`;
  const why =
    by === 'time' ? `the time was used up (${formatNumber(seconds)} s)` : 'each way had its maximum of repeats';
  return `The repeats ended when ${why}: ${narrow} of ${plural(compared.length, 'interval')} lie within ${share} of their ratio.`;
}

/** Whether any way was compared: there may be too few repeats, or other programs took too much of the machine. */
export const isCompared = ({ ways }: Load): boolean => ways.some(({ against }) => against !== undefined);

function repeatsText({ repeats: [fewest, most] }: Load): string {
  return fewest === most ? plural(most, 'repeat') : `${fewest} to ${plural(most, 'repeat')}`;
}
