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
