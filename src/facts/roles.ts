import { type End, ends } from '../tcp/states.ts';

/** What each end is called in a cell by what it does there: `{ closing: 'server', other: 'client' }`. */
export type Roles = Readonly<Record<string, End>>;

/** Facts of an end under the name of its role: `closing.lost` of `client.lost`. */
export type RoleFact<Fact extends string, Role extends string> = Fact extends `counters.${string}`
  ? never
  : Fact extends `client.${infer Own}`
    ? `${Role}.${Own}`
    : Fact extends `${infer Label}.client.${infer Own}`
      ? `${Label}.${Role}.${Own}`
      : never;

/** Roles of one end, whichever it is: what a fact's declaration does not depend on. */
export const ofAnyEnd = (roles: readonly string[]): Roles => Object.fromEntries(roles.map((role) => [role, 'client']));

/** The part of a fact's name that names an end: its place, and what is before and after it. */
function split(name: string, whose: readonly string[]): { before: string; end: string; after: string } | undefined {
  if (name.startsWith('counters.')) return undefined;
  const parts = name.split('.');
  const place = [0, 1].find((index) => whose.includes(parts[index] ?? '') && index < parts.length - 1);
  if (place === undefined) return undefined;
  const begin = parts.slice(0, place).map((part) => `${part}.`);
  return { before: begin.join(''), end: parts[place] as string, after: parts.slice(place + 1).join('.') };
}

/** The fact that a name by role stands for where the ends have these roles; any other name as it is. */
export function withoutRole(name: string, roles: Roles | undefined): string {
  const named = roles && split(name, Object.keys(roles));
  return named ? `${named.before}${roles[named.end]}.${named.after}` : name;
}

/** A fact of one end, named by end or by role, of each of them; undefined for a fact that is not an end's. */
export function ofEach(name: string, roles: readonly string[] = []): readonly string[] | undefined {
  for (const whose of [ends, roles]) {
    const named = split(name, whose);
    if (named) return whose.map((each) => `${named.before}${each}.${named.after}`);
  }
  return undefined;
}

/** A fact's name without whose it is. */
export function withoutEnd(name: string, roles: readonly string[] = []): string {
  const named = split(name, [...ends, ...roles]);
  return named ? named.before + named.after : name;
}

/** Whose a fact is: an end's, or a role's. */
export const whoseIs = (name: string, roles: readonly string[] = []): string | undefined =>
  split(name, [...ends, ...roles])?.end;

/** A fact's name in its parts: `old.client.lost.js` is `lost.js` of the client of the connection `old`. */
export interface Parts {
  /** Whose fact it is: one end's, a connection's, a namespace's counter, or the cell's. */
  readonly of: 'end' | 'connection' | 'namespace' | 'cell';
  /** Of an end or a connection: its connection's label; empty where the cell has one. */
  readonly label: string;
  /** Which end or role, which namespace; empty for others. */
  readonly whose: string;
  readonly own: string;
}

/** Reads a fact's name; `roles` are what ends may be called besides client and server. */
export function partsOf(name: string, roles: readonly string[] = []): Parts {
  const [first = '', space = '', ...rest] = name.split('.');
  if (first === 'counters' && rest.length > 0) return { of: 'namespace', label: '', whose: space, own: rest.join('.') };
  const named = split(name, [...ends, ...roles, 'timeWait']);
  const skew = /^(?:(.+)\.)?closeSkew$/.exec(name);
  if (skew) return { of: 'connection', label: skew[1] ?? '', whose: '', own: 'closeSkew' };
  if (!named) return { of: 'cell', label: '', whose: '', own: name };
  const label = named.before.slice(0, -1);
  return named.end === 'timeWait'
    ? { of: 'connection', label, whose: '', own: `timeWait.${named.after}` }
    : { of: 'end', label, whose: named.end, own: named.after };
}

/** The end that a path is of, by the path's name: `client`, `old.client`. */
export function endOf(path: string): { readonly label: string; readonly end: End } {
  const parts = path.split('.');
  const end = ends.find((each) => each === parts.at(-1)) ?? 'client';
  return { label: parts.slice(0, -1).join('.'), end };
}
