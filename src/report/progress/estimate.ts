/** A stretch of a run whose cells go on at one pace: quiet ones one at a time, others together, loads again one at a time. */
export interface Stretch {
  /** Work of all its results, in units of its own: only their ratios count, unless it is timed. */
  readonly work: number;
  readonly results: number;
  /** Its work is seconds that the plan sets, so that they are known before it begins. */
  readonly isTimed: boolean;
}

/** A stretch as far as it has come. */
export interface Pace {
  /** When it began, ms. */
  readonly since: number;
  readonly work: number;
  readonly results: number;
  /** When each twentieth of its work was done, ms. */
  readonly marks: readonly number[];
}

/** Seconds left, and by how much the pace so far lets them be wrong. */
export interface Estimate {
  readonly seconds: number;
  readonly margin: number;
}

/** Parts in which the variation of the pace is observed. */
const parts = 20;
/** No estimate before so much of a stretch is done: a twentieth of its work, and 20 results or a twentieth of them. */
const [leastShare, leastResults] = [0.05, 20];
/** Assumed of a pace of which fewer than three parts are known. */
const unknownVariation = 0.3;

export const noPace = (since: number): Pace => ({ since, work: 0, results: 0, marks: [] });

/** The pace once a result is done. */
export function paced(pace: Pace, { work: all }: Stretch, work: number, now: number): Pace {
  const done = pace.work + work;
  const reached = all === 0 ? parts : Math.floor((done / all) * parts);
  const more = Math.max(0, reached - pace.marks.length);
  return {
    since: pace.since,
    work: done,
    results: pace.results + 1,
    marks: more === 0 ? pace.marks : [...pace.marks, ...Array.from({ length: more }, () => now)],
  };
}

/** What is left of each stretch, at its own pace. Undefined while one of them has no pace that can be relied on. */
export function estimateOf(
  stretches: ReadonlyMap<string, Stretch>,
  paces: ReadonlyMap<string, Pace>,
  now: number,
): Estimate | undefined {
  let [seconds, margin] = [0, 0];
  for (const [name, stretch] of stretches) {
    const pace = paces.get(name);
    const left = Math.max(0, stretch.work - (pace?.work ?? 0));
    if (left === 0) continue;
    if (stretch.isTimed) {
      // the warm-up at its beginning is no measure of its pace
      seconds += left;
      margin += left * unknownVariation;
      continue;
    }
    const isKnown =
      pace !== undefined &&
      pace.work >= leastShare * stretch.work &&
      pace.results >= Math.min(leastResults, leastShare * stretch.results);
    if (!isKnown) return undefined;
    const own = (left * (now - pace.since)) / 1000 / pace.work;
    seconds += own;
    margin += own * variation(pace);
  }
  return { seconds, margin };
}

/** The standard error of the pace, relative to it, from the parts so far. */
function variation({ since, marks }: Pace): number {
  const lasted = marks.map((at, index) => at - (marks[index - 1] ?? since));
  if (lasted.length < 3) return unknownVariation;
  const mean = lasted.reduce((total, each) => total + each, 0) / lasted.length;
  const square = lasted.reduce((total, each) => total + (each - mean) ** 2, 0) / (lasted.length - 1);
  return mean === 0 ? unknownVariation : Math.sqrt(square / lasted.length) / mean;
}
