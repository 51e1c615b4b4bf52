import { ofEach, partsOf, whoseIs } from '../../facts/roles.ts';
import { formatFact } from '../../facts/values.ts';
import type { CellRecord, ExperimentRecord } from '../../record/schema.ts';
import { ends } from '../../tcp/states.ts';
import { formatTogether } from '../format.ts';
import { type CellGroup, declaredFact, factOf } from '../gather.ts';
import { type Place, placeOf } from '../which-cells.ts';
import { ownerText } from './facts.ts';

/** Which end lost how many bytes, and in which places, of cells that lost any. */
export interface Losses {
  /** How many results lost any. */
  readonly results: number;
  /** `js`, `sendQueue`, …: where bytes can have been. */
  readonly places: readonly string[];
  readonly rows: readonly {
    readonly where: Place;
    /** `client`, `closing end`. */
    readonly whose: string;
    /** All that were lost, and what of it in each place. */
    readonly amounts: readonly string[];
  }[];
}

interface Loss {
  readonly whose: string;
  /** The fact that says how many bytes it lost: `closing.lost`, `old.client.lost`. */
  readonly fact: string;
  readonly cell: CellGroup;
  readonly record: CellRecord;
}

/** An experiment's losses; undefined where it shows none, or nothing was lost. */
export function lossesOf(
  experiment: ExperimentRecord,
  facts: readonly string[],
  cells: readonly CellGroup[],
): Losses | undefined {
  const { roles = [] } = experiment;
  const asked = [...new Set(facts.flatMap((fact) => lostOf(fact, roles)))];
  const ran = cells.filter((cell) => cell.ran.length > 0);
  const losses = asked.flatMap((fact) => ran.flatMap((cell) => lossesIn(fact, cell, roles)));
  if (losses.length === 0) return undefined;
  const places = [...new Set(Object.keys(experiment.facts).flatMap(placeLost))];
  return {
    results: new Set(losses.map(({ record }) => record)).size,
    places,
    rows: [...Map.groupBy(losses, (loss) => keyOf(loss, places)).values()].map((same) => ({
      where: whereOf(same, ran),
      whose: same[0]?.whose ?? '',
      amounts: ['', ...places.map((place) => `.${place}`)].map((place) => amount(same, place, experiment)),
    })),
  };
}

const lost = 'lost';

/** Of a shown fact about losses, how many bytes each end lost. */
function lostOf(fact: string, roles: readonly string[]): readonly string[] {
  const { own } = partsOf(fact, roles);
  if (own !== lost && own !== 'lostIn' && !own.startsWith(`${lost}.`)) return [];
  return ofEach(fact.slice(0, -own.length) + lost, roles) ?? [];
}

/** The place in which bytes were lost that a fact counts. */
function placeLost(fact: string): string[] {
  const { whose, own } = partsOf(fact);
  return whose === ends[0] && own.startsWith(`${lost}.`) ? [own.slice(lost.length + 1)] : [];
}

function lossesIn(fact: string, cell: CellGroup, roles: readonly string[]): Loss[] {
  const whose = whoseIs(fact, roles) ?? ends[0];
  return cell.ran
    .filter((record) => Number(factOf(record, fact) ?? 0) > 0)
    .map((record) => ({ whose: ownerText(whose, roles), fact, cell, record }));
}

/** Losses of one end in the same places, or unknown in the same, are one row. */
const keyOf = ({ fact, record }: Loss, places: readonly string[]): string =>
  [fact, ...places.map((place) => said(factOf(record, `${fact}.${place}`)))].join();
const said = (value: ReturnType<typeof factOf>): string => (typeof value === 'number' ? String(value > 0) : 'unknown');

function whereOf(same: readonly Loss[], all: readonly CellGroup[]): Place {
  const cells = [...new Set(same.map(({ cell }) => cell))];
  const of = cells.reduce((total, { ran }) => total + ran.length, 0);
  return placeOf(cells, all, { results: same.length, of, varies: same.length < of });
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
      : formatTogether(numbers, declared);
}
