import type { Run, Verdict } from '../record/schema.ts';
import { type CellFindings, compareCell } from './compare-cell.ts';
import type {
  BehaviourDifference,
  Compared,
  ComparedExperiment,
  ComparedRun,
  Comparison,
  NotComparable,
  PerformanceDifference,
  VerdictDifference,
} from './comparison.ts';
import { environmentDifferences } from './environments.ts';
import { type Settled, settle } from './families.ts';
import { alpha } from './judge.ts';
import { type Labelled, label, type MatchedCell, matchCells } from './match.ts';
import { setting } from './overview.ts';

export type { Comparison } from './comparison.ts';
export { comparisonMarkdown } from './comparison-markdown.ts';
export { comparisonText } from './comparison-text.ts';

/**
 * How runs differ, by experiment, cell (matched by its factors) and fact, each by its own declared comparison:
 *
 * - `exact`: any two values are unequal; *not tried* is a value like others. `within`: medians over repeats lie further
 *   apart than the resolution. Of a race, and of a fact that varied between repeats: the distributions differ by the
 *   Fisher–Freeman–Halton exact test.
 * - `measurement`: Mann–Whitney U of each run against the first; a difference in performance, never in behaviour.
 * - Tests that so few repeats could not bring out are not made (Tarone). Those that are made are corrected by Holm's
 *   procedure for their number, the races and the measurements each as one family, at {@link alpha}.
 * - What a run did not observe, support or run is listed as not comparable.
 *
 * Throws BAD_OPTION for fewer than two runs.
 */
export function compareRuns(runs: readonly Run[]): Comparison {
  const labelled = label(runs);
  const cells = matchCells(labelled);
  const shared = cells.filter(({ groups }) => groups.filter(Boolean).length > 1);
  const findings = shared.map((cell) => compareCell(cell, labelled));
  const races = settle(findings.flatMap((each) => each.races));
  const measured = settle(findings.flatMap((each) => each.measurements));
  const differences = [...findings.flatMap((each) => each.differences), ...races.significant];
  const partly = cells.filter(({ reasons }) => Object.keys(reasons).length > 0);
  return {
    runs: labelled.map(comparedRun),
    behaviour: differences.length,
    performance: distinct(measured.significant),
    alpha,
    compared: comparedOf(cells.length, shared.length, findings, races, measured),
    environment: environmentDifferences(runs),
    experiments: comparedExperiments(labelled, shared),
    differences,
    measurements: measured.significant,
    unstable: findings.flatMap((each) => each.unstable),
    verdicts: verdictDifferences(labelled),
    notComparable: [
      ...partly.map(({ experiment, id, reasons }) => ({ experiment, cell: id, reasons })),
      ...findings.flatMap((each) => each.notComparable),
      ...races.hopeless.map(({ difference }) => hopeless(labelled, difference)),
    ],
  };
}

const cellFact = ({ experiment, cell, fact }: { experiment: string; cell: string; fact: string }): string =>
  JSON.stringify([experiment, cell, fact]);
const distinct = (all: readonly { experiment: string; cell: string; fact: string }[]): number =>
  new Set(all.map(cellFact)).size;

function comparedOf(
  cells: number,
  shared: number,
  findings: readonly CellFindings[],
  races: Settled<Omit<BehaviourDifference, 'test'>>,
  measured: Settled<Omit<PerformanceDifference, 'test'>>,
): Compared {
  const count = (what: 'facts' | 'untested' | 'factsNotComparable'): number =>
    findings.reduce((total, each) => total + each[what], 0);
  const measuredFacts = distinct(measured.tested.map(({ difference }) => difference));
  const all = distinct([...measured.tested, ...measured.hopeless].map(({ difference }) => difference));
  return {
    cells: shared,
    facts: count('facts') + races.tested.length + measuredFacts,
    untested: count('untested') + all - measuredFacts,
    cellsNotComparable: cells - shared,
    factsNotComparable: count('factsNotComparable') + races.hopeless.length,
    tests: { race: races.tested.length, measurement: measured.tested.length },
  };
}

/** A race that too few repeats cannot tell among so many others. */
function hopeless(
  runs: readonly Labelled[],
  { experiment, cell, fact, values }: Omit<BehaviourDifference, 'test'>,
): NotComparable {
  const labels = runs.flatMap(({ label: name }, index) => (values[index] ? [name] : []));
  return {
    experiment,
    cell,
    fact,
    reasons: Object.fromEntries(labels.map((name) => [name, 'too few repeats for so many races'])),
  };
}

const comparedRun = ({ label: name, run }: Labelled): ComparedRun => ({
  label: name,
  folder: run.folder,
  startedAt: run.run.sessions[0]?.startedAt ?? null,
  status: run.run.status,
  setting: setting(run),
});

function experimentIds(runs: readonly Labelled[]): string[] {
  return [...new Set(runs.flatMap(({ experiments }) => [...experiments.keys()]))];
}

function comparedExperiments(runs: readonly Labelled[], shared: readonly MatchedCell[]): ComparedExperiment[] {
  return experimentIds(runs).map((id) => {
    const records = runs.map(({ experiments }) => experiments.get(id));
    const present = records.filter((record) => record !== undefined);
    return {
      id,
      question: present[0]?.question ?? '',
      answers: records.map((record) => record?.answer ?? null),
      changed: new Set(present.map(({ sourceHash }) => sourceHash)).size > 1,
      cells: shared.flatMap((cell) => (cell.experiment === id ? [{ id: cell.id, factors: cell.factors }] : [])),
    };
  });
}

/** Claims that did not come out the same in all runs that make them. */
function verdictDifferences(runs: readonly Labelled[]): VerdictDifference[] {
  return experimentIds(runs).flatMap((experiment) => {
    const claims = runs.map(
      ({ experiments }) => new Map(experiments.get(experiment)?.claims.map((each) => [each.id, each])),
    );
    const ids = new Set(claims.flatMap((each) => [...each.keys()]));
    return [...ids].flatMap((claim) => {
      const made = claims.map((each) => each.get(claim));
      const verdicts: (Verdict | null)[] = made.map((each) => each?.verdict ?? null);
      const first = made.find(Boolean);
      if (!first || new Set(verdicts.filter(Boolean)).size < 2) return [];
      const details = made.map((each) => each?.detail ?? null);
      return [{ experiment, claim, text: first.text, source: first.source, verdicts, details }];
    });
  });
}
