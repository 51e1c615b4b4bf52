import type { Run, Verdict } from '../../record/schema.ts';
import { runDetailParts } from '../detail.ts';
import { environmentOf } from '../gather.ts';
import { answerOf } from '../model/answer.ts';
import { alpha, type Settled, settle } from '../model/judge.ts';
import { askedIn, setting } from '../model/overview.ts';
import { type CellFindings, compareCell } from './cells.ts';
import type {
  Compared,
  ComparedExperiment,
  ComparedRun,
  Comparison,
  CostRow,
  EnvironmentDifference,
  PerformanceDifference,
  VerdictDifference,
} from './comparison.ts';
import { explain } from './explain.ts';
import { compareRatios, speedDifferences } from './loads.ts';
import { type Labelled, label, type MatchedCell, matchCells } from './match.ts';
import { compareRaces, type RaceFindings } from './races.ts';

/**
 * How runs differ, by experiment, cell (matched by its factors) and fact, each by its own declared comparison:
 *
 * - `exact`: any two values are unequal; *not tried* is a value like others. `within`: medians over repeats lie further
 *   apart than the resolution.
 * - Of a race, and of a fact that varied between repeats: the distributions differ by permutation tests that use the
 *   repeats of all such cells of an experiment, corrected for the number of facts by Westfall and Young's procedure. Odds
 *   further apart than a machine's load moves them are another behaviour, other odds are performance.
 * - `measurement`: Mann–Whitney U of each run against the first, of a difference beyond a margin; a difference in performance,
 *   never in behaviour. Of loads the ratios of rates come first; absolute values are compared where the machine is the same, divided by
 *   how many times as fast it was where calibrations differ by more than 5 %.
 *   Tests of measurements that so few repeats could not bring out are not made (Tarone); those that are made are corrected
 *   by Holm's procedure. Each sort of test keeps {@link alpha} for all its tests together.
 * - A claim that one run confirms and another refutes, and a cell that ran in one and errored, was unsupported or has no result
 *   in another that was asked for it: a difference in behaviour. What a run was not asked for is counted.
 * - What a run did not observe is listed as not comparable.
 *
 * Throws BAD_OPTION for fewer than two runs.
 */
export function compareRuns(runs: readonly Run[]): Comparison {
  const labelled = label(runs);
  const cells = matchCells(labelled);
  const shared = cells.filter(({ groups }) => groups.filter(Boolean).length > 1);
  const findings = shared.map((cell) => compareCell(cell, labelled));
  const races = compareRaces(
    findings.flatMap((each) => each.races),
    labelled,
  );
  const measured = settle([...findings.flatMap((each) => each.measurements), ...compareRatios(shared, labelled)]);
  const explained = explain(runs.map((run) => environmentOf(run)?.kernel));
  const differences = findings.flatMap((each, index) =>
    each.differences.map((difference) => explained.fact(difference, shared[index]?.factors)),
  );
  const raced = races.differences.map(explained.race);
  const beyondLoad = raced.filter(({ isBehaviour }) => isBehaviour);
  const verdicts = verdictDifferences(labelled).map(explained.claim);
  const contradicted = verdicts.filter(isContradiction);
  const lacking = cells.filter(differsInFate);
  const fates = lacking.map(({ experiment, id, factors, fates: all, reasons }) =>
    explained.fate({ experiment, cell: id, factors, fates: all, reasons }),
  );
  const notAsked = cells.filter((cell) => cell.fates.includes('not asked'));
  const told = new Set([...lacking, ...notAsked]);
  const behaviour = [...differences, ...beyondLoad, ...contradicted, ...fates];
  const partly = cells.filter((cell) => Object.keys(cell.reasons).length > 0 && !told.has(cell));
  return {
    runs: labelled.map(comparedRun),
    behaviour: behaviour.length,
    ...(explained.areOfSeveral && { unexplained: behaviour.filter(({ known }) => known === undefined).length }),
    contradicted: contradicted.length,
    fates,
    performance: distinct(measured.significant) + raced.length - beyondLoad.length,
    alpha,
    compared: {
      ...comparedOf(shared.length, findings, races, measured),
      notAsked: notAsked.length,
      cellsNotComparable: partly.filter((cell) => !shared.includes(cell)).length,
    },
    environment: environmentDifferences(runs),
    instructions: instructionsOf(runs),
    speeds: speedDifferences(shared, labelled),
    experiments: comparedExperiments(labelled, shared),
    differences,
    races: raced,
    measurements: measured.significant,
    unstable: findings.flatMap((each) => each.unstable),
    verdicts,
    notComparable: [
      ...partly.map(({ experiment, id, reasons }) => ({ experiment, cell: id, reasons })),
      ...findings.flatMap((each) => each.notComparable),
      ...races.notComparable,
    ],
  };
}

/** Whether not the same became of a cell in the runs that were asked for it. */
const differsInFate = ({ fates }: MatchedCell): boolean =>
  new Set(fates.filter((fate) => fate !== 'not asked')).size > 1;

const cellFact = ({ experiment, cell, fact }: { experiment: string; cell: string; fact: string }): string =>
  JSON.stringify([experiment, cell, fact]);

const distinct = (all: readonly { experiment: string; cell: string; fact: string }[]): number =>
  new Set(all.map(cellFact)).size;

function comparedOf(
  shared: number,
  findings: readonly CellFindings[],
  races: RaceFindings,
  measured: Settled<Omit<PerformanceDifference, 'test'>>,
): Omit<Compared, 'notAsked' | 'cellsNotComparable'> {
  const count = (what: 'facts' | 'untested' | 'elsewhere' | 'factsNotComparable'): number =>
    findings.reduce((total, each) => total + each[what], 0);
  const measuredFacts = distinct(measured.tested.map(({ difference }) => difference));
  const all = distinct([...measured.tested, ...measured.hopeless].map(({ difference }) => difference));
  return {
    cells: shared,
    facts: count('facts') + races.facts + measuredFacts,
    untested: count('untested') + all - measuredFacts,
    elsewhere: count('elsewhere'),
    factsNotComparable: count('factsNotComparable') + races.notComparable.length,
    tests: { race: races.tests, measurement: measured.tested.length },
  };
}

const comparedRun = ({ label: name, run }: Labelled): ComparedRun => {
  const { clockRule, kernel } = environmentOf(run) ?? {};
  return {
    label: name,
    folder: run.folder,
    startedAt: run.run.sessions[0]?.startedAt ?? null,
    status: run.run.status,
    ...(kernel !== undefined && { kernel }),
    setting: setting(run),
    ...(clockRule && { clockRule }),
  };
};

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
      answers: records.map((record) => (record ? answerOf(record) : null)),
      changed: new Set(present.map(({ sourceHash }) => sourceHash)).size > 1,
      cells: shared.flatMap((cell) => (cell.experiment === id ? [{ id: cell.id, factors: cell.factors }] : [])),
    };
  });
}

/** What connections cost the kernels that were counted: two at least, otherwise nothing. */
function instructionsOf(runs: readonly Run[]): CostRow[] {
  const all = runs.map((run) => environmentOf(run)?.cost?.instructions);
  if (all.filter(Boolean).length < 2) return [];
  const ways = [...new Set(all.flatMap((each) => Object.keys(each ?? {})))];
  return ways.map((way) => ({ way, values: all.map((each) => each?.[way] ?? null) }));
}

/** Returns whether runs confirm and refute the same claim. No fact may differ then: a measurement has left the claim's tolerance. */
const isContradiction = ({ verdicts }: VerdictDifference): boolean =>
  verdicts.includes('confirmed') && verdicts.includes('refuted');

/** Lists claims whose verdicts differ between the runs that have the claim. */
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
      const details = runs.map(({ experiments }, index) => {
        const [own, each] = [experiments.get(experiment), made[index]];
        return own && each ? runDetailParts(each, own).join('') : null;
      });
      return [{ experiment, claim, text: first.text, source: first.source, verdicts, details }];
    });
  });
}

/**
 * What of the machines, programs and settings is not the same in all runs, as their last sessions saw it. Of a sysctl that
 * lingerlab sets, the kernel's own value counts, unless the user of any run asked for another: then what each ran with. Where a run did
 * not record that, nothing can be said of it.
 */
export function environmentDifferences(runs: readonly Run[]): EnvironmentDifference[] {
  const asked = new Set(runs.flatMap((run) => Object.keys(askedIn(environmentOf(run)))));
  const all = runs.map((run) => flatten(run, asked));
  for (const [what, kind] of [
    ['counts', 'counters'],
    ['option', 'options'],
  ] as const) {
    const lists = runs.map((run) => environmentOf(run)?.[kind]);
    // where a run did not record which there are, nothing can be said of them
    if (!lists.every((each) => each !== undefined)) continue;
    for (const [at, own] of lists.entries()) for (const name of own) all[at]?.set(`${what}: ${name}`, 'true');
  }
  // runs of before have no such sysctls
  const isOfPorts = (name: string) => name.startsWith('net.ipv4.ip_local');
  const knowPorts = all.every((each) => [...each.keys()].some(isOfPorts));
  const names = new Set(all.flatMap((each) => [...each.keys()]));
  const pins = runs.map((run) => environmentOf(run)?.pinned);
  const set = new Set(pins.flatMap((each) => Object.keys(each ?? {})));
  return [...names]
    .filter((name) => knowPorts || !isOfPorts(name))
    .filter((name) => asked.has(name) || !set.has(name) || pins.every((each) => each !== undefined))
    .map((name) => ({ name, values: all.map((each) => each.get(name) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

function flatten(run: Run, asked: ReadonlySet<string>): Map<string, string> {
  const seen = environmentOf(run);
  const flat = new Map([['lingerlab', run.run.tool.version]]);
  if (run.run.tool.commit) flat.set('commit', run.run.tool.commit.slice(0, 12));
  // measured anew by each run: a difference says nothing of the machine
  const {
    pinned = {},
    wire: _wire,
    counters: _counters,
    options: _options,
    cost: _cost,
    calibration: _calibration,
    ...rest
  } = seen ?? {};
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== 'object') flat.set(name, String(value));
    else
      for (const [key, each] of Object.entries(value)) flat.set(name === 'sysctls' ? key : `can: ${key}`, String(each));
  }
  // of what it refused, the value that its cells ran with
  for (const [name, { own, set, refused, asked: value }] of Object.entries(pinned)) {
    const kernels = refused === undefined ? own : `${own}, ${refused} refused`;
    flat.set(name, value !== undefined ? `${set}, as asked for` : asked.has(name) ? set : kernels);
  }
  return flat;
}
