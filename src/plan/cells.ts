import { inspect } from 'node:util';
import { LingerlabError, messageOf } from '../errors.ts';
import {
  type AnyDefinition,
  type AnyLoadDefinition,
  type AnyScenarioDefinition,
  cellId,
  type FactorValue,
  type Need,
  type Until,
} from '../experiment/definition.ts';
import type { Roles } from '../facts/roles.ts';
import { type Network, networks, networkWords } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';

/** What cells of either kind have. */
interface Planned {
  /** `close-order/closes=client,linger=off`; just the experiment's id where it has no factors. */
  readonly id: string;
  /** The experiment's id. */
  readonly experiment: string;
  /** In definition order. */
  readonly factors: Readonly<Record<string, FactorValue>>;
  /** It belongs to the default matrix: it passes the experiment's `only`. */
  readonly isDefault: boolean;
  /** `--all` does not run it unless something names values of its factors: it passes the experiment's `whenNamed`. */
  readonly isRare: boolean;
  readonly repeats: number;
  readonly network: Network;
  /** Of a wire, bytes. */
  readonly mtu: number;
  /** Expected, of one repeat. */
  readonly seconds: number;
  readonly sysctls: Readonly<Record<string, string | number>>;
  readonly needs: readonly Need[];
}

/** A cell in which peers play a scenario. */
export interface ScenarioCell extends Planned {
  readonly kind: 'scenario';
  /** Its facts are compared as distributions over its repeats. */
  readonly race: boolean;
  readonly quiet: boolean;
  /** Absent where its experiment gives the ends none. */
  readonly roles?: Roles;
}

/** A cell in which throughput is measured. */
export interface LoadCell extends Planned {
  readonly kind: 'load';
  /** The id of the cell that it is compared with; absent where there is none, or it is the one itself. */
  readonly baseline?: string;
  /** `repeats` is the most of them; absent: it is their number. */
  readonly until?: Until;
}

/** One cell as it will run. */
export type PlannedCell = ScenarioCell | LoadCell;

export const isLoad = (cell: PlannedCell): cell is LoadCell => cell.kind === 'load';

/** What a cell takes where its experiment does not say, in seconds. */
const defaultSeconds = 1;
/** Ethernet's. */
const defaultMtu = 1500;

/**
 * Every cell of an experiment, default or not: of the product of its factors in definition order, the last varying
 * fastest, what is valid. Throws BAD_DEFINITION where one of the experiment's functions throws or answers what it must not.
 */
export function cellsOf(definition: AnyDefinition): PlannedCell[] {
  return product(definition.factors)
    .filter((factors) =>
      asking(cellId(definition.id, factors), factors)('valid', definition.valid, true, isBoolean, 'true or false'),
    )
    .map((factors) => (definition.kind === 'load' ? loadCell(definition, factors) : scenarioCell(definition, factors)));
}

function product(factors: Readonly<Record<string, readonly FactorValue[]>>): CellFactors[] {
  let cells: Record<string, FactorValue>[] = [{}];
  for (const [name, values] of Object.entries(factors)) {
    cells = cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value })));
  }
  return cells.map((cell) => Object.freeze(cell));
}

type CellFactors = Readonly<Record<string, FactorValue>>;
/** What a part of a definition is in one cell: as given, or answered by its function; checked. */
type Ask = <T>(name: string, given: unknown, otherwise: T, right: (value: unknown) => boolean, must: string) => T;

function asking(id: string, factors: CellFactors): Ask {
  return <T>(name: string, given: unknown, otherwise: T, right: (value: unknown) => boolean, must: string): T => {
    const value = given === undefined ? otherwise : answerOf(id, name, given, factors);
    if (!right(value)) throw refused(id, name, `must be ${must}, not ${inspect(value)}`);
    return value as T;
  };
}

function planned(definition: AnyDefinition, factors: CellFactors, ask: Ask): Omit<Planned, 'repeats'> {
  return {
    id: cellId(definition.id, factors),
    experiment: definition.id,
    factors,
    isDefault: ask('only', definition.only, true, isBoolean, 'true or false'),
    isRare: ask('whenNamed', rareOf(definition), false, isBoolean, 'true or false'),
    network: ask<Network>('network', definition.network, 'loopback', ...networksOf(definition)),
    mtu: ask('mtu', definition.mtu, defaultMtu, isMtu, 'a whole number of bytes from 1280 to 65535'),
    seconds: ask('seconds', definition.seconds, defaultSeconds, isSeconds, 'a positive number of seconds'),
    sysctls: given(ask<Sysctls>('sysctls', definition.sysctls, {}, isSysctls, 'sysctl names with texts or numbers')),
    needs: ask<readonly Need[]>(
      'needs',
      definition.needs,
      [],
      isNeeds,
      'a list of "another-user", "own-kernel" and "program:python3" or the like',
    ),
  };
}

/** Of a whole experiment, it says nothing of single cells. */
const rareOf = ({ whenNamed }: AnyDefinition) => (typeof whenNamed === 'function' ? whenNamed : undefined);

function scenarioCell(definition: AnyScenarioDefinition, factors: CellFactors): ScenarioCell {
  const ask = asking(cellId(definition.id, factors), factors);
  const roles = Object.entries(definition.roles ?? {}).map(([name, given]) => [
    name,
    ask<End>(`roles.${name}`, given, 'client', isEnd, '"client" or "server"'),
  ]);
  const repeats = ask<number | false>('race', definition.race, false, isRepeats, 'false or a number of repeats');
  return {
    kind: 'scenario',
    ...planned(definition, factors, ask),
    repeats: repeats || 1,
    race: repeats !== false,
    quiet: ask('quiet', definition.quiet, false, isBoolean, 'true or false'),
    ...(roles.length > 0 && { roles: Object.fromEntries(roles) }),
  };
}

function loadCell(definition: AnyLoadDefinition, factors: CellFactors): LoadCell {
  const id = cellId(definition.id, factors);
  const ask = asking(id, factors);
  const isCount = (value: unknown): boolean => isRepeats(value) && value !== false;
  const { repeats, baseline, until } = definition.load;
  const isPart = (value: unknown): boolean => value === undefined || isPartOf(definition.factors, value);
  const must = 'an object with factors and one of the values of each';
  const own = ask<Partial<CellFactors> | undefined>('load.baseline', baseline, undefined, isPart, must);
  const base = own && cellId(definition.id, { ...factors, ...(own as CellFactors) });
  return {
    kind: 'load',
    ...planned(definition, factors, ask),
    repeats: ask('load.repeats', repeats, 1, isCount, 'a number of repeats'),
    ...(base !== undefined && base !== id && { baseline: base }),
    ...(until && { until }),
  };
}

/** Whether an object names only factors, and of each one of its values. */
const isPartOf = (factors: Readonly<Record<string, readonly FactorValue[]>>, value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, each]) => Object.hasOwn(factors, name) && factors[name]?.includes(each));

function answerOf(id: string, name: string, given: unknown, factors: Readonly<Record<string, FactorValue>>): unknown {
  if (typeof given !== 'function') return given;
  try {
    return given(factors);
  } catch (thrown) {
    throw refused(id, name, `threw: ${messageOf(thrown)}`, thrown);
  }
}

const refused = (id: string, name: string, what: string, cause?: unknown): LingerlabError =>
  new LingerlabError(
    'BAD_DEFINITION',
    `${id}: the experiment's "${name}" ${what}`,
    `correct "${name}" for this cell in the experiment's file`,
    cause === undefined ? undefined : { cause },
  );

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isNetwork = (value: unknown): boolean => networks.includes(value as Network);
const networksOf = ({ kind }: AnyDefinition): readonly [(value: unknown) => boolean, string] =>
  kind === 'load'
    ? [(value) => isNetwork(value) && value !== 'routed', '"loopback", "veth" or "wire" for a load']
    : [isNetwork, networkWords];
const isMtu = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1280 && (value as number) <= 65_535;
const namedNeeds: readonly string[] = ['another-user', 'own-kernel'] satisfies Need[];
const isNeeds = (value: unknown): boolean =>
  Array.isArray(value) && value.every((need) => namedNeeds.includes(need as string) || /^program:./.test(String(need)));
const isEnd = (value: unknown): boolean => ends.includes(value as End);
const isSeconds = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value);
const isRepeats = (value: unknown): boolean => value === false || (Number.isInteger(value) && (value as number) > 0);
type Sysctls = Readonly<Record<string, string | number | undefined>>;
const given = (sysctls: Sysctls): PlannedCell['sysctls'] =>
  Object.fromEntries(
    Object.entries(sysctls).filter((pair): pair is [string, string | number] => pair[1] !== undefined),
  );
const isSysctls = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(
    ([name, given]) =>
      /^[\w./-]+$/.test(name) && (given === undefined || typeof given === 'string' || Number.isFinite(given)),
  );
