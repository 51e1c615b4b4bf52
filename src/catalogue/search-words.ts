/** The words of some texts, as they are searched: TIME_WAIT, TIME-WAIT, timeWait, "time wait" and timewait are one word. */
export interface Vocabulary {
  /** The words of a text that is searched: a compound's parts, too. */
  inText(text: string): string[];
  /** The words that are asked for: what is known as a compound counts as that alone. */
  inQuery(text: string): string[];
  has(word: string): boolean;
}

/** Words that say nothing about what is sought. */
const fillers = new Set(
  'a about an and any are as at be by can do does for from have how i if in is it its my of on or that the there this to too was what when where which who why with'.split(
    ' ',
  ),
);

/** Most words that are one compound: `net.ipv4.tcp_max_tw_buckets` without its path has four. */
const longestCompound = 4;

/** A plural counts as its singular. */
const singular = (word: string): string => (/[^su]s$/.test(word) && word.length > 3 ? word.slice(0, -1) : word);

/** Runs of characters that are written together, each as its parts: `TIME-WAIT`, `tcp_tw_reuse`, `resetAndDestroy`. */
const runsOf = (text: string): string[][] =>
  (text.match(/[\p{L}\p{N}]+(?:[-_][\p{L}\p{N}]+)*/gu) ?? []).map((run) =>
    run
      .replace(/([a-z])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[-_]/)
      .map(singular),
  );

/** The vocabulary of these texts: its compounds are what any of them writes together. */
export function vocabularyOf(texts: readonly string[]): Vocabulary {
  const runs = texts.flatMap(runsOf);
  const compounds = new Set(runs.filter(({ length }) => length > 1).map((parts) => parts.join('')));
  const known = new Set([...compounds, ...runs.flat()]);

  /** How many words from here on are one compound; 1: none. */
  const compoundAt = (words: readonly string[], at: number): number => {
    for (let count = Math.min(longestCompound, words.length - at); count > 1; count--)
      if (compounds.has(words.slice(at, at + count).join(''))) return count;
    return 1;
  };

  return {
    has: (word) => known.has(word),
    inText(text) {
      const found = runsOf(text);
      const words = found.flat();
      const joined = words.flatMap((_, at) => {
        const count = compoundAt(words, at);
        return count > 1 ? [words.slice(at, at + count).join('')] : [];
      });
      // a longer name than is looked for between plain words is known by its run alone
      const long = found.filter(({ length }) => length > longestCompound).map((parts) => parts.join(''));
      return [...words.filter((word) => !fillers.has(word)), ...joined, ...long];
    },
    inQuery(text) {
      const found = runsOf(text);
      const words = found.flat();
      const units: string[] = [];
      for (let at = 0; at < words.length; ) {
        const count = compoundAt(words, at);
        const unit = words.slice(at, at + count).join('');
        if (!fillers.has(unit)) units.push(unit);
        at += count;
      }
      // an unknown compound with a typing error in it: TIME_WIAT
      const [only] = found;
      const isUnknown = found.length === 1 && only !== undefined && only.length > 1 && units.length > 1;
      return isUnknown && only.some((part) => !known.has(part)) ? [only.join('')] : [...new Set(units)];
    },
  };
}
