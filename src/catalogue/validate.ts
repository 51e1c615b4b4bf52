import { z } from 'zod';
import { LingerlabError } from '../errors.ts';
import type { AnyDefinition } from '../experiment/definition.ts';
import { ofAnyEnd, withoutRole } from '../facts/roles.ts';
import { declarations } from '../facts/table.ts';
import { didYouMean } from '../text/nearest.ts';
import { factorProblems, type Problem } from './factors.ts';
import { connectionProblems, measureProblems, roleProblems } from './names.ts';

const must = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : `must be ${what}`),
});
const words = z
  .string(must('lower-case words joined by hyphens'))
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens, such as "close-order"');
const text = z.string(must('a text')).refine((given) => given.trim() !== '', 'must not be empty');
const isFunction = (value: unknown): boolean => typeof value === 'function';
const func = z.custom<unknown>(isFunction, must('a function'));
const orFunction = (isRight: (value: unknown) => boolean, what: string) =>
  z.custom<unknown>((value) => isFunction(value) || isRight(value), must(`${what}, or a function of the cell`));
const checked = (problemsOf: (value: unknown) => readonly Problem[]) =>
  z.any().superRefine((value, context) => {
    for (const { path, message } of problemsOf(value)) context.addIssue({ code: 'custom', path: [...path], message });
  });

const claim = z.strictObject({ id: words, text, source: text, when: func.optional(), holds: func }, must('an object'));
const shape = z.strictObject(
  {
    id: words,
    question: text,
    group: text.optional(),
    factors: checked(factorProblems),
    whenNamed: z.boolean(must('true or false')).optional(),
    only: func.optional(),
    network: orFunction(
      (value) => value === 'loopback' || value === 'veth' || value === 'wire',
      '"loopback", "veth" or "wire"',
    ).optional(),
    mtu: orFunction((value) => typeof value === 'number', 'a number of bytes').optional(),
    sysctls: func.optional(),
    needs: func.optional(),
    seconds: orFunction(isPositive, 'a positive number').optional(),
    quiet: orFunction((value) => typeof value === 'boolean', 'true or false').optional(),
    race: func.optional(),
    load: func.optional(),
    connections: checked(connectionProblems).optional(),
    measures: checked(measureProblems).optional(),
    scenario: func,
    claims: z.array(claim, must('a list')),
    across: z.array(claim, must('a list')).optional(),
    answer: func,
    roles: checked(roleProblems).optional(),
    shows: z.array(text, must('a list of fact names')).optional(),
  },
  must('an object'),
);

/**
 * Check what an experiment file declares, as its types would have. `origin` is the file's path as the user knows it.
 * Throws BAD_DEFINITION with every problem, a line for each.
 */
export function validateDefinition(definition: unknown, origin: string): AnyDefinition {
  const parsed = shape.safeParse(definition);
  const found = parsed.error?.issues.flatMap((issue) => lines(issue, definition)) ?? [];
  // what speaks of several parts at once needs each of them to be right
  const problems = parsed.success ? togetherProblems(definition as AnyDefinition) : found;
  if (problems.length === 0) return definition as AnyDefinition;
  throw new LingerlabError(
    'BAD_DEFINITION',
    [`${origin} does not define an experiment:`, ...problems.map((problem) => `  ${problem}`)].join('\n'),
    "correct the experiment's file",
  );
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

/** Claims' ids are one set, own facts have names of their own, facts to show exist. */
function togetherProblems(definition: AnyDefinition): string[] {
  const { claims, across = [], connections, measures, shows = [] } = definition;
  const ids = [...claims, ...across].map(({ id }) => id);
  const twice = new Set(ids.filter((id, at) => ids.indexOf(id) !== at));
  const given = declarations(connections);
  const taken = Object.keys(measures ?? {}).filter((name) => Object.hasOwn(given, name));
  const facts = Object.keys(declarations(connections, measures, definition.load !== undefined));
  const roles = ofAnyEnd(Object.keys(definition.roles ?? {}));
  const labelled = (connections ?? []).filter((label: string) => Object.hasOwn(roles, label));
  const unknown = shows.filter(
    (name) =>
      !facts.includes(withoutRole(name, roles)) && !/^counters\.(client|server|lab)\.Tcp(Ext)?\.\w+$/.test(name),
  );
  return [
    ...[...twice].map((id) => `claims: the id "${id}" is given twice`),
    ...taken.map((name) => `measures.${name}: the name is taken, every connection has this fact`),
    ...labelled.map((name: string) => `roles.${name}: the name is taken, a connection is called so`),
    ...unknown.map((name) => `shows: there is no fact "${name}"${didYouMean(name, facts)}`),
  ];
}

function lines(issue: z.core.$ZodIssue, definition: unknown): string[] {
  const where = placeOf(issue.path, definition);
  if (issue.code !== 'unrecognized_keys') return [`${where}${where && ': '}${issue.message}`];
  const known = knownKeys(issue.path[0]);
  return issue.keys.map((key) => `${where}${where && ': '}there is no "${key}" here${didYouMean(key, known)}`);
}

const knownKeys = (part: PropertyKey | undefined): string[] =>
  Object.keys(part === 'claims' || part === 'across' ? claim.shape : shape.shape);

/** `claims "first-closer-waits".holds`: an item by its id where it has one, else `claims[2]`. */
function placeOf(path: readonly PropertyKey[], definition: unknown): string {
  let at: unknown = definition;
  let place = '';
  for (const key of path) {
    at = (at as Record<PropertyKey, unknown> | undefined)?.[key];
    const id = (at as { readonly id?: unknown } | undefined)?.id;
    if (typeof key === 'number') place += typeof id === 'string' && id !== '' ? ` "${id}"` : `[${key}]`;
    else place += `${place && '.'}${String(key)}`;
  }
  return place;
}
