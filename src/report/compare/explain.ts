import { median } from '../../stats/quantile.ts';
import type { Share } from '../format.ts';
import type {
  BehaviourDifference,
  ComparedCell,
  FateDifference,
  RaceDifference,
  VerdictDifference,
} from './comparison.ts';
import { type Known, knownFor } from './known.ts';

/** Adds to differences the known changes of the kernel that explain them. */
export interface Explain {
  /** The runs are of more than one kernel: otherwise no change of the kernel explains anything. */
  readonly areOfSeveral: boolean;
  readonly fact: (difference: BehaviourDifference, factors: ComparedCell['factors'] | undefined) => BehaviourDifference;
  readonly race: (difference: RaceDifference) => RaceDifference;
  readonly fate: (difference: FateDifference) => FateDifference;
  readonly claim: (difference: VerdictDifference) => VerdictDifference;
}

/** `kernels`: the release of each run's, undefined where it is not known. */
export function explain(kernels: readonly (string | undefined)[]): Explain {
  const areOfSeveral = new Set(kernels).size > 1;
  const by = <T>(difference: T, known: readonly Known[] | undefined): T =>
    areOfSeveral && known ? { ...difference, known } : difference;
  return {
    areOfSeveral,
    fact: (difference, factors = {}) => {
      const { experiment, fact } = difference;
      return by(difference, knownFor({ experiment, fact, factors, values: alikeIn(difference) }, kernels));
    },
    race: (difference) => {
      const { experiment, fact, values } = difference;
      return by(difference, knownFor({ experiment, fact, values: values.map(textOf) }, kernels));
    },
    fate: (difference) => {
      const { experiment, factors, fates } = difference;
      const values = fates.map((fate) => (fate === 'not asked' ? undefined : fate));
      return by(difference, knownFor({ experiment, factors, values }, kernels));
    },
    claim: (difference) => {
      const { experiment, claim, verdicts } = difference;
      return by(difference, knownFor({ experiment, claim, values: decidedOf(verdicts) }, kernels));
    },
  };
}

/** Verdicts to be explained: one that is inconclusive says nothing where others decide against each other. */
function decidedOf(verdicts: VerdictDifference['verdicts']): (string | undefined)[] {
  const decided = verdicts.map((each) => (each === null || each === 'inconclusive' ? undefined : each));
  const isContradiction = decided.includes('confirmed') && decided.includes('refuted');
  return isContradiction ? decided : verdicts.map((each) => each ?? undefined);
}

const textOf = (shares: readonly Share[] | null): string | undefined =>
  shares === null ? undefined : JSON.stringify(shares.map(({ value }) => JSON.stringify(value)).toSorted());

/** A key for each run's value: the same for values that are equal, or within the resolution of one another; undefined where there is none. */
export function alikeIn({ values, by, resolution = 0 }: BehaviourDifference): (string | undefined)[] {
  if (by === 'exact') return values.map(textOf);
  const firsts: number[] = [];
  return values.map((shares) => {
    if (shares === null) return undefined;
    const own = median(
      shares.flatMap(({ value, times }) => (typeof value === 'number' ? new Array<number>(times).fill(value) : [])),
    );
    const same = firsts.find((first) => Math.abs(first - own) <= resolution);
    if (same === undefined) firsts.push(own);
    return String(same ?? own);
  });
}
