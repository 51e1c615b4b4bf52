/**
 * Damerau–Levenshtein distance (optimal string alignment): how many insertions, deletions, replacements and swaps of
 * neighbours turn one word into the other. Letters of another case are the same letter.
 */
export function distance(one: string, other: string): number {
  const a = one.toLowerCase();
  const b = other.toLowerCase();
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** As many slips as a reader would still recognise: one in three letters, and one in any word of at least two. */
const slips = (word: string): number => Math.max(word.length > 1 ? 1 : 0, Math.floor(word.length / 3));

/**
 * The right word that was probably meant: the fewest slips away, the first of equals; failing that, the shortest that
 * begins with the word or holds it as one of its parts. Undefined where nothing resembles it.
 */
export function nearest(word: string, right: Iterable<string>): string | undefined {
  const candidates = [...right];
  const byDistance = candidates
    .map((candidate) => ({ candidate, away: distance(word, candidate) }))
    .filter(({ candidate, away }) => away <= Math.min(slips(word), slips(candidate)))
    .sort((a, b) => a.away - b.away);
  if (byDistance[0]) return byDistance[0].candidate;
  const asked = word.toLowerCase();
  if (asked.length < 2) return undefined;
  return candidates
    .filter((candidate) => candidate.toLowerCase().startsWith(asked) || parts(candidate).includes(asked))
    .sort((a, b) => a.length - b.length)[0];
}

/** The right words that resemble a word most, nearest first, whether or not it could be meant. */
export function nearestOf(word: string, right: Iterable<string>, count: number): string[] {
  return [...right]
    .map((candidate) => ({
      candidate,
      away: distance(word, candidate) / Math.max(word.length, candidate.length),
    }))
    .sort((a, b) => a.away - b.away)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

const parts = (word: string): string[] => word.toLowerCase().split(/[^a-z0-9]+/);

/** ` (did you mean "close-order"?)`, or nothing, to stand behind the wrong word in a message. */
export function didYouMean(word: string, right: Iterable<string>): string {
  const meant = nearest(word, right);
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`;
}
