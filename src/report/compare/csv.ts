import { formatFact } from '../../facts/values.ts';
import { formatDistribution } from '../format.ts';
import type { Significance } from '../model/judge.ts';
import type { Comparison } from './comparison.ts';
import type { Known } from './known.ts';
import { valuesOf } from './told.ts';

/** A field as RFC 4180 has it. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

interface Row {
  readonly kind: string;
  readonly experiment?: string;
  readonly cell?: string;
  readonly name: string;
  readonly known?: readonly Known[] | undefined;
  readonly test?: Significance;
  /** Of each run. */
  readonly values: readonly (string | null)[];
}

/**
 * A comparison as CSV (RFC 4180): a row for each difference of each cell, nothing folded, with a column for each run. Rows of the kind
 * `run` say which run a column is of.
 */
export function comparisonCsv(comparison: Comparison): string {
  const { runs } = comparison;
  const labels = runs.map(({ label }) => label);
  const head = ['kind', 'experiment', 'cell', 'name', 'known since', 'p', 'corrected p', ...labels];
  const lines = rowsOf(comparison).map(({ kind, experiment = '', cell = '', name, known, test, values }) => [
    kind,
    experiment,
    cell,
    name,
    (known ?? []).map(({ since }) => since).join(' '),
    test ? String(test.p) : '',
    test ? String(test.adjusted) : '',
    ...values.map((value) => value ?? ''),
  ]);
  return [head, ...lines].map((fields) => `${fields.map(field).join(',')}\r\n`).join('');
}

function rowsOf(comparison: Comparison): Row[] {
  const { runs, environment, verdicts, fates, differences, races, measurements, unstable, notComparable, again } =
    comparison;
  const labels = runs.map(({ label }) => label);
  const only = (label: string, value: string): (string | null)[] =>
    labels.map((each) => (each === label ? value : null));
  const reasons = (byLabel: Readonly<Record<string, string>>): (string | null)[] =>
    labels.map((label) => byLabel[label] ?? null);
  return [
    { kind: 'run', name: 'folder', values: runs.map(({ folder }) => folder) },
    { kind: 'run', name: 'setting', values: runs.map(({ setting }) => setting.join(', ')) },
    { kind: 'run', name: 'began', values: runs.map(({ startedAt }) => startedAt) },
    ...environment.map(({ name, values }) => ({ kind: 'environment', name, values })),
    ...verdicts.map(({ experiment, claim, known, verdicts: values }) => ({
      kind: 'claim',
      experiment,
      name: claim,
      known,
      values,
    })),
    ...fates.map(({ experiment, cell, known, fates: values }) => ({
      kind: 'cell',
      experiment,
      cell,
      name: 'cell',
      known,
      values,
    })),
    ...differences.map((each) => ({
      kind: 'behaviour',
      experiment: each.experiment,
      cell: each.cell,
      name: each.fact,
      known: each.known,
      values: valuesOf(each),
    })),
    ...races.map(({ experiment, fact, cells, known, test, declared, values, isBehaviour }) => ({
      kind: isBehaviour ? 'race' : 'odds',
      experiment,
      cell: cells.join(' '),
      name: fact,
      known,
      test,
      values: values.map((shares) => shares && formatDistribution(shares, declared)),
    })),
    ...measurements.map(({ experiment, cell, fact, test, declared, runs: [from, to], medians }) => ({
      kind: 'performance',
      experiment,
      cell,
      name: fact,
      test,
      values: labels.map((label) =>
        label === from ? formatFact(medians[0], declared) : label === to ? formatFact(medians[1], declared) : null,
      ),
    })),
    ...unstable.map(({ experiment, cell, fact, run, values, declared }) => ({
      kind: 'unstable',
      experiment,
      cell,
      name: fact,
      values: only(run, formatDistribution(values, declared)),
    })),
    ...(again?.flips ?? []).map(({ experiment, cell, fact = 'cell', run, first, again: then }) => ({
      kind: 'flip',
      experiment,
      cell,
      name: fact,
      values: only(run, `${first}, then ${then}`),
    })),
    ...notComparable.map(({ experiment, cell, fact = 'cell', reasons: byLabel }) => ({
      kind: 'not comparable',
      experiment,
      cell,
      name: fact,
      values: reasons(byLabel),
    })),
  ];
}
