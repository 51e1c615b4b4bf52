import type { RaceDifference } from './comparison.ts';
import { significance } from './comparison-words.ts';
import { factKey, formatDistribution, type Share } from './format.ts';
import { commonOpening } from './openings.ts';
import { loadMovesOdds } from './races.ts';
import { someOf } from './which-cells.ts';

/** So many facts of the same races tell a reader what is other about their odds. */
const mostOdds = 3;

/** The races to tell, those that differ in behaviour first, and the facts of the others. */
export function racesToTell(races: readonly RaceDifference[]): { told: RaceDifference[]; others: string[] } {
  const odds = races.filter(({ isBehaviour }) => !isBehaviour);
  return {
    told: [...races.filter(({ isBehaviour }) => isBehaviour), ...odds.slice(0, mostOdds)],
    others: odds.slice(mostOdds).flatMap(({ fact, alike }) => [fact, ...alike]),
  };
}

/** A race's values, one text for each run, in one order and without what all of them begin with. */
export function raceValues({ values, declared }: RaceDifference): string[] {
  const known = values.flatMap((shares) => shares?.map(({ value }) => value) ?? []);
  const opening = declared.type === 'words' ? commonOpening(known).length : 0;
  const short = (share: Share): Share =>
    Array.isArray(share.value) && share.value.length > 0 ? { ...share, value: share.value.slice(opening) } : share;
  const totals = Map.groupBy(
    values.flatMap((shares) => shares ?? []),
    ({ value }) => factKey(value),
  );
  const timesIn = ({ value }: Share): number =>
    totals.get(factKey(value))?.reduce((all, { times }) => all + times, 0) ?? 0;
  const inOrder = (shares: readonly Share[]): Share[] => shares.toSorted((a, b) => timesIn(b) - timesIn(a)).map(short);
  return values.map((shares) => (shares === null ? 'not comparable' : formatDistribution(inOrder(shares), declared)));
}

/** `other odds, p = 0.001`, or `odds further apart than load explains`, and which facts say the same. */
export function raceWords({ isBehaviour, alike, test }: RaceDifference, mark: (text: string) => string): string {
  const what = isBehaviour ? `odds more than ${loadMovesOdds} times others` : 'other odds';
  const also = alike.length === 0 ? '' : `; the same for ${someOf(alike, mark, 2)}`;
  return `${what}, ${significance(test)}${also}`;
}
