import { loadDeclarations } from '../../facts/table.ts';
import type { Declaration } from '../../record/fact.ts';
import { changedBy, latestOf } from '../../record/lateness.ts';
import { median } from '../../stats/quantile.ts';
import { lateText } from '../detail.ts';
import { distribution } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { isRace, isUnstable, judge, type Sample, sampleOf, type Test } from '../model/judge.ts';
import type { BehaviourDifference, NotComparable, PerformanceDifference, Unstable } from './comparison.ts';
import { isLoad, slowedBy, speedsOf } from './loads.ts';
import type { Labelled, MatchedCell } from './match.ts';
import type { RaceOfCell } from './races.ts';

/** What comparing one cell came to. */
export interface CellFindings {
  readonly differences: BehaviourDifference[];
  readonly races: RaceOfCell[];
  readonly measurements: Test<Omit<PerformanceDifference, 'test'>>[];
  readonly unstable: Unstable[];
  readonly notComparable: NotComparable[];
  /** Compared without a test. */
  facts: number;
  /** Measured, with too few values. */
  untested: number;
  /** Measured by loads of other machines or boots. */
  elsewhere: number;
  factsNotComparable: number;
}

const uncompared = new Set(
  Object.entries(loadDeclarations()).flatMap(([name, { compare }]) => (compare === 'none' ? [name] : [])),
);

interface Taken {
  readonly run: Labelled;
  readonly index: number;
  readonly sample: Sample;
  /** Its values were divided by this, to be those of a machine as fast as the first run's. */
  readonly normalised?: number;
}

/** Compare every fact that some run has of a cell. */
export function compareCell(cell: MatchedCell, runs: readonly Labelled[]): CellFindings {
  const findings: CellFindings = {
    differences: [],
    races: [],
    measurements: [],
    unstable: [],
    notComparable: [],
    facts: 0,
    untested: 0,
    elsewhere: 0,
    factsNotComparable: 0,
  };
  const names = new Set(cell.groups.flatMap((group) => group?.ran.flatMap(({ facts }) => Object.keys(facts)) ?? []));
  for (const fact of names) compareFact(fact, cell, runs, findings);
  return findings;
}

function compareFact(fact: string, cell: MatchedCell, runs: readonly Labelled[], findings: CellFindings): void {
  const { experiment, id } = cell;
  const { declared, taken, reasons } = take(fact, cell, runs);
  if (declared?.compare === 'none') return;
  const left = (): void => {
    const knownIn = taken.filter(({ sample }) => sample.known.length > 0).map(({ run }) => run.label);
    const unknownIn = reasons.filter(({ kind }) => kind !== 'other' && kind !== 'not tried').map(({ label }) => label);
    findings.notComparable.push({
      experiment,
      cell: id,
      fact,
      reasons: Object.fromEntries(reasons.map(({ label, text }) => [label, text])),
      ...(knownIn.length > 0 && { knownIn }),
      ...(unknownIn.length > 0 && { unknownIn }),
    });
  };
  if (declared && taken.length < 2 && isNotReached(reasons)) {
    findings.untested++;
    return;
  }
  if (declared === undefined || taken.length < 2) {
    findings.factsNotComparable++;
    left();
    return;
  }
  const of = { experiment, cell: id, fact, declared };
  for (const { run, sample } of taken) {
    if (isUnstable(declared, sample))
      findings.unstable.push({ ...of, run: run.label, values: distribution(sample.known) });
  }
  if (reasons.length > 0 && !isNotReached(reasons)) left();
  if (declared.compare === 'measurement') measure(of, cell, taken, findings);
  else behave(of, cell, taken, runs.length, findings);
}

/** The runs in which a fact can be compared, and why not in the others that have the cell. */
function take(
  fact: string,
  { groups, experiment }: MatchedCell,
  runs: readonly Labelled[],
): { declared: Declaration | undefined; taken: Taken[]; reasons: Reason[] } {
  const taken: Taken[] = [];
  const reasons: Reason[] = [];
  let declared: Declaration | undefined;
  for (const [index, run] of runs.entries()) {
    const group = groups[index];
    const record = run.experiments.get(experiment);
    if (!group || !record) continue;
    const own = declaredFact(fact, record);
    const sample = sampleOf(
      group.ran.map((cell) => factOf(cell, fact)),
      run.hz,
      group.race,
    );
    const why = whyNotTaken(declared, own, sample) ?? (sample.known.length === 0 ? whyUnknown(group, fact) : undefined);
    // a run of before says otherwise of what is not compared any more
    declared ??= own && uncompared.has(fact) ? { ...own, compare: 'none' } : own;
    if (why === undefined) taken.push({ run, index, sample });
    else reasons.push({ label: run.label, ...why });
  }
  return { declared, taken, reasons };
}

/** Why a run's fact is not compared. */
interface Reason {
  readonly label: string;
  readonly kind: 'not tried' | 'not over' | 'unknown' | 'other';
  readonly text: string;
}
type Why = Omit<Reason, 'label'>;

function whyNotTaken(declared: Declaration | undefined, own: Declaration | undefined, sample: Sample): Why | undefined {
  if (own === undefined) return { kind: 'other', text: 'this run does not declare it' };
  if (declared && !sameKind(declared, own)) return { kind: 'other', text: 'this run declares it otherwise' };
  const exact = own.compare === 'exact' || own.compare === 'race';
  if (sample.known.length === 0 || exact) return undefined;
  return sample.known.some((value) => typeof value === 'number') ? undefined : { kind: 'not tried', text: 'not tried' };
}

/** Returns whether a number is missing only because a run did not enter, or did not leave, the state: the run's paths show that. */
const isNotReached = (reasons: readonly Reason[]): boolean =>
  reasons.every(({ kind }) => kind === 'not tried' || kind === 'not over');

const sameKind = (a: Declaration, b: Declaration): boolean =>
  a.type === b.type && a.unit === b.unit && a.compare === b.compare && a.resolution === b.resolution;

function whyUnknown({ ran }: CellGroup, fact: string): Why {
  const why = ran.map(({ unknown }) => unknown[fact]).find(Boolean);
  return { kind: why?.code === 'not-over' ? 'not over' : 'unknown', text: why ? `unknown: ${why.text}` : 'unknown' };
}

type OfFact = Pick<BehaviourDifference, 'experiment' | 'cell' | 'fact' | 'declared'>;

function behave(of: OfFact, cell: MatchedCell, taken: readonly Taken[], runs: number, findings: CellFindings): void {
  const samples = taken.map(({ sample }) => sample);
  if (isRace(of.declared, samples)) {
    const { fact, declared } = of;
    findings.races.push({ cell, fact, declared, runs: taken.map(({ index }) => index) });
    return;
  }
  const judged = judge(of.declared, samples);
  if (judged.kind === 'different') {
    // a process that was late is another reason for the difference than the kernels
    const late = taken.flatMap(({ run, index }) => whyLate(cell.groups[index], run.label));
    if (late.length > 0) {
      const { experiment, fact } = of;
      findings.factsNotComparable++;
      findings.notComparable.push({ experiment, cell: cell.id, fact, reasons: Object.fromEntries(late) });
      return;
    }
  }
  findings.facts++;
  if (judged.kind !== 'different') return;
  const values: (ReturnType<typeof distribution> | null)[] = new Array(runs).fill(null);
  for (const { index, sample } of taken) values[index] = distribution(sample.known);
  findings.differences.push(
    judged.by === 'within'
      ? { ...of, by: 'within', values, resolution: judged.resolution }
      : { ...of, by: 'exact', values },
  );
}

function whyLate(group: CellGroup | undefined, label: string): [string, string][] {
  const latest = latestOf(group?.ran.flatMap(({ late }) => changedBy(late) ?? []) ?? []);
  return latest ? [[label, `late: ${lateText(latest)}`]] : [];
}

/** The first run that has a measured fact against each other one; of a load, those whose machine is the same. */
function measure(of: OfFact, cell: MatchedCell, taken: readonly Taken[], findings: CellFindings): void {
  const [base, ...all] = taken as [Taken, ...Taken[]];
  const others = isLoad(cell) ? all.flatMap((other) => asFastAs(base, other, of) ?? []) : all;
  if (others.length < all.length) findings.elsewhere++;
  if (others.length === 0) return;
  const judgements = others.map((other) => ({ other, judged: judge(of.declared, [base.sample, other.sample]) }));
  for (const { other, judged } of judgements) {
    if (judged.kind !== 'tested') continue;
    const [a, b] = [numbersOf(base.sample), numbersOf(other.sample)];
    const difference = {
      ...of,
      runs: [base.run.label, other.run.label] as const,
      medians: [median(a), median(b)] as const,
      repeats: [a.length, b.length] as const,
      ...(other.normalised !== undefined && { normalised: other.normalised }),
    };
    findings.measurements.push({ ...judged, difference });
  }
  if (judgements.every(({ judged }) => judged.kind === 'untestable')) findings.untested++;
  // every value alike; series and words are not compared at all
  else if (judgements.every(({ judged }) => judged.kind === 'same') && numbersOf(base.sample).length > 0)
    findings.facts++;
}

/** What another run measured of a load, on a machine that was as fast as this run's; undefined where that cannot be said. */
function asFastAs(base: Taken, other: Taken, { fact, declared }: OfFact): Taken | undefined {
  const speeds = speedsOf(base.run.run, other.run.run);
  if (!speeds) return undefined;
  const { times, isAlike, moved } = speeds;
  if (isAlike) return { ...other, sample: { ...other.sample, moved } };
  const known = other.sample.known.map((value) =>
    typeof value === 'number' ? slowedBy(times, fact, declared, value) : value,
  );
  return { ...other, sample: { ...other.sample, known, moved }, normalised: times };
}

const numbersOf = ({ known }: Sample): number[] => known.filter((value) => typeof value === 'number');
