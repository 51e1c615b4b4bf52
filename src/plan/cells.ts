import { inspect } from 'node:util';
import { LingerlabError, messageOf } from '../errors.ts';
import type { AnyDefinition, FactorValue, Need } from '../experiment/definition.ts';
import type { Roles } from '../facts/roles.ts';
import type { Network } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';

/** One cell as it will run. */
export interface PlannedCell {
  /** `close-order/closes=client,linger=off`; just the experiment's id where it has no factors. */
  readonly id: string;
  /** The experiment's id. */
  readonly experiment: string;
  /** In definition order. */
  readonly factors: Readonly<Record<string, FactorValue>>;
  /** It belongs to the default matrix: it passes the experiment's `only`. */
  readonly isDefault: boolean;
  readonly repeats: number;
  /** Its facts are compared as distributions over its repeats. */
  readonly race: boolean;
  readonly network: Network;
  /** Of a wire, bytes. */
  readonly mtu: number;
  /** Expected, of one repeat. */
  readonly seconds: number;
  readonly quiet: boolean;
  /** Throughput is measured. */
  readonly load: boolean;
  readonly sysctls: Readonly<Record<string, string | number>>;
  readonly needs: readonly Need[];
  /** Absent where its experiment gives the ends none. */
  readonly roles?: Roles;
}

/** What a cell takes where its experiment does not say, in seconds. */
const defaultSeconds = 1;
/** Ethernet's. */
const defaultMtu = 1500;

/** A cell's id from its factors, in their order. */
export function cellId(experiment: string, factors: Readonly<Record<string, FactorValue>>): string {
  const pairs = Object.entries(factors).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? experiment : `${experiment}/${pairs.join(',')}`;
}

/**
 * Every cell of an experiment, default or not: the product of its factors in definition order, the last varying
 * fastest. Throws BAD_DEFINITION where one of the experiment's functions throws or answers what it must not.
 */
export function cellsOf(definition: AnyDefinition): PlannedCell[] {
  return product(definition.factors).map((factors) => planned(definition, factors));
}

function product(factors: Readonly<Record<string, readonly FactorValue[]>>): Readonly<Record<string, FactorValue>>[] {
  let cells: Record<string, FactorValue>[] = [{}];
  for (const [name, values] of Object.entries(factors)) {
    cells = cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value })));
  }
  return cells.map((cell) => Object.freeze(cell));
}

function planned(definition: AnyDefinition, factors: Readonly<Record<string, FactorValue>>): PlannedCell {
  const id = cellId(definition.id, factors);
  const ask = <T>(name: string, given: unknown, otherwise: T, right: (value: unknown) => boolean, must: string): T => {
    const value = given === undefined ? otherwise : answerOf(id, name, given, factors);
    if (!right(value)) throw refused(id, name, `must be ${must}, not ${inspect(value)}`);
    return value as T;
  };
  const roles = Object.entries(definition.roles ?? {}).map(([name, given]) => [
    name,
    ask<End>(`roles.${name}`, given, 'client', isEnd, '"client" or "server"'),
  ]);
  const repeats = ask<number | false>('race', definition.race, false, isRepeats, 'false or a number of repeats');
  const loads = ask<number | false>('load', definition.load, false, isRepeats, 'false or a number of repeats');
  return {
    id,
    experiment: definition.id,
    factors,
    isDefault: ask('only', definition.only, true, isBoolean, 'true or false'),
    repeats: repeats || loads || 1,
    race: repeats !== false,
    network: ask<Network>('network', definition.network, 'loopback', isNetwork, '"loopback", "veth" or "wire"'),
    mtu: ask('mtu', definition.mtu, defaultMtu, isMtu, 'a whole number of bytes from 1280 to 65535'),
    seconds: ask('seconds', definition.seconds, defaultSeconds, isSeconds, 'a positive number of seconds'),
    load: loads !== false,
    quiet: ask('quiet', definition.quiet, false, isBoolean, 'true or false'),
    sysctls: given(ask<Sysctls>('sysctls', definition.sysctls, {}, isSysctls, 'sysctl names with texts or numbers')),
    needs: ask<readonly Need[]>('needs', definition.needs, [], isNeeds, 'a list of "another-user"'),
    ...(roles.length > 0 && { roles: Object.fromEntries(roles) }),
  };
}

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
const isNetwork = (value: unknown): boolean => value === 'loopback' || value === 'veth' || value === 'wire';
const isMtu = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1280 && (value as number) <= 65_535;
const isNeeds = (value: unknown): boolean => Array.isArray(value) && value.every((need) => need === 'another-user');
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
