import { ofEach, whoseIs } from '../../facts/roles.ts';
import type { CellRecord, ExperimentRecord } from '../../record/schema.ts';
import { ends } from '../../tcp/states.ts';
import { formatFact, formatSpread, plural } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { ownerWords, placeWords } from './facts.ts';
import { code, details, plain, table } from './text.ts';

interface Loss {
  readonly whose: string;
  /** The fact that says how many bytes it lost: `closing.lost`, `old.client.lost`. */
  readonly fact: string;
  readonly cell: CellGroup;
  readonly record: CellRecord;
}

/** Who lost how many bytes, and in which places, for cells that lost any: to open on a click, where the experiment shows losses. */
export function markdownLosses(
  experiment: ExperimentRecord,
  facts: readonly string[],
  cells: readonly CellGroup[],
): string {
  const asked = [...new Set(facts.flatMap((fact) => lostOf(fact, experiment.roles)))];
  const ran = cells.filter((cell) => cell.ran.length > 0);
  const losses = asked.flatMap((fact) => ran.flatMap((cell) => lossesIn(fact, cell, experiment.roles)));
  if (losses.length === 0) return '';
  const places = Object.keys(experiment.facts).flatMap(
    (name) => /^(?:\w+\.)?client\.lost\.(\w+)$/.exec(name)?.[1] ?? [],
  );
  const columns = [...new Set(places)];
  const results = new Set(losses.map(({ record }) => record)).size;
  return details(
    `**What was lost, and how far it had come**: ${plural(results, 'result')}`,
    table(
      ['results', 'lost by', code('lost'), ...columns.map((place) => code(`lost.${place}`))],
      [...Map.groupBy(losses, (loss) => keyOf(loss, columns)).values()].map((same) => [
        placeOf(same, ran),
        plain(same[0]?.whose ?? ''),
        ...['', ...columns.map((place) => `.${place}`)].map((place) => plain(amount(same, place, experiment))),
      ]),
      [2, ...columns.map((_, index) => index + 3)],
    ),
  );
}

/** Of a shown fact about losses, how many bytes each end lost. */
function lostOf(fact: string, roles: readonly string[] = []): readonly string[] {
  const base = fact.replace(/\.lost(In|\.\w+)?$/, '.lost');
  return base.endsWith('.lost') ? (ofEach(base, roles) ?? []) : [];
}

function lossesIn(fact: string, cell: CellGroup, roles: readonly string[] = []): Loss[] {
  const whose = whoseIs(fact, roles) ?? ends[0];
  return cell.ran
    .filter((record) => Number(factOf(record, fact) ?? 0) > 0)
    .map((record) => ({ whose: ownerWords(whose, roles), fact, cell, record }));
}

/** Losses of one end in the same places, or unknown in the same, are one row. */
const keyOf = ({ fact, record }: Loss, places: readonly string[]): string =>
  [fact, ...places.map((place) => said(factOf(record, `${fact}.${place}`)))].join();

const said = (value: ReturnType<typeof factOf>): string => (typeof value === 'number' ? String(value > 0) : 'unknown');

function placeOf(same: readonly Loss[], all: readonly CellGroup[]): string {
  const cells = [...new Set(same.map(({ cell }) => cell))];
  const of = cells.reduce((total, { ran }) => total + ran.length, 0);
  return placeWords({ cells, results: same.length, of, varies: same.length < of }, all);
}

function amount(same: readonly Loss[], place: string, experiment: ExperimentRecord): string {
  const declared = declaredFact(`${same[0]?.fact}${place}`, experiment);
  const numbers = same
    .map(({ fact, record }) => factOf(record, fact + place))
    .filter((value) => typeof value === 'number');
  return numbers.length < same.length
    ? 'unknown'
    : numbers.every((one) => one === 0)
      ? formatFact(0)
      : formatSpread(numbers, declared);
}
