import { z } from 'zod';
import { LingerlabError } from '../errors.ts';
import { type AnyDefinition, comparedFacts, rolesOf } from '../experiment/definition.ts';
import { knobKinds, knobs, statementId, symptomKinds, symptoms } from '../experiment/guide.ts';
import { counterNamed } from '../facts/counters.ts';
import { ofAnyEnd, withoutRole } from '../facts/roles.ts';
import { declarations, loadDeclarations } from '../facts/table.ts';
import { jitless } from '../record/check.ts';
import { type Network, networks, networkWords } from '../tcp/network.ts';
import { didYouMean } from '../text/nearest.ts';
import { factorProblems, type Problem } from './factors.ts';
import { connectionProblems, measureProblems, roleProblems } from './names.ts';

const must = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : `must be ${what}`),
});
/** An experiment's id: lower-case words joined by hyphens. */
export const idPattern: RegExp = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const words = z
  .string(must('lower-case words joined by hyphens'))
  .regex(idPattern, 'must be lower-case words joined by hyphens, such as "close-order"');
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
/** What a statement of the guide is about: `{ SO_REUSEADDR: 'measured', 'EADDRINUSE on restart': 'helps' }`. */
const about = checked((value) => {
  if (!isObject(value)) return [{ path: [], message: "must be an object: { SO_REUSEADDR: 'measured' }" }];
  const places = [...knobs, ...symptoms];
  const found = Object.entries(value as Readonly<Record<string, unknown>>);
  if (found.length === 0) return [{ path: [], message: 'must name a knob or a symptom' }];
  return found.flatMap(([name, kind]): Problem[] => {
    const isKnob = knobs.some((each) => each === name);
    if (!isKnob && !symptoms.some((each) => each === name))
      return [{ path: [], message: `there is no knob or symptom "${name}"${didYouMean(name, places)}` }];
    const kinds: readonly unknown[] = isKnob ? knobKinds : symptomKinds;
    return kinds.includes(kind) ? [] : [{ path: [name], message: `must be ${kinds.join(', ')}` }];
  });
});
const statement = z.strictObject(
  { about, text, claim: words, id: words.optional(), when: func.optional(), number: func.optional() },
  must('an object: { about: { … }, claim, text }'),
);
const rate = z.strictObject({ about, text, id: words, compared: func, holds: func }, must('an object'));
/** What experiments of either kind declare. */
const question = {
  id: words,
  question: text,
  tags: z.array(text, must('a list of words')).optional(),
  symptoms: z.array(text, must('a list of phrases')).optional(),
  group: text.optional(),
  factors: checked(factorProblems),
  words: z
    .record(
      z.string(),
      z.strictObject({ text, values: z.record(z.string(), text) }, must('an object: { text, values: { … } }')),
      must('an object with a text for each factor'),
    )
    .optional(),
  whenNamed: orFunction((value) => typeof value === 'boolean', 'true or false').optional(),
  valid: func.optional(),
  only: func.optional(),
  network: orFunction((value) => networks.includes(value as Network), networkWords).optional(),
  mtu: orFunction((value) => typeof value === 'number', 'a number of bytes').optional(),
  sysctls: func.optional(),
  needs: func.optional(),
  seconds: orFunction(isPositive, 'a positive number').optional(),
  measures: checked(measureProblems).optional(),
  scenario: func,
  claims: z.array(claim, must('a list')),
  across: z.array(claim, must('a list')).optional(),
  guide: z.array(statement, must('a list')).optional(),
  answer: func,
  shows: z.array(text, must('a list of fact names')).optional(),
};
const ofConnections = z.strictObject({
  ...question,
  kind: z.literal('scenario'),
  quiet: orFunction((value) => typeof value === 'boolean', 'true or false').optional(),
  freshPeers: z.literal(true).optional(),
  race: func.optional(),
  connections: checked(connectionProblems).optional(),
  roles: checked(roleProblems).optional(),
});
const repeating = z.strictObject(
  {
    repeats: orFunction((value) => Number.isInteger(value) && (value as number) > 0, 'a number of repeats'),
    baseline: orFunction(isObject, 'an object with values of factors').optional(),
    until: z
      .strictObject(
        { within: z.number().positive(), seconds: z.number().positive() },
        must('an object: { within: 0.03, seconds: 50 }'),
      )
      .optional(),
    compares: z.enum(comparedFacts, must(comparedFacts.join(' or '))).optional(),
    counts: func.optional(),
  },
  must('an object: { repeats: 20, baseline: { … } }'),
);
const ofLoads = z.strictObject({
  ...question,
  kind: z.literal('load'),
  load: repeating,
  rates: z.array(rate, must('a list')).optional(),
});
const shape = z.discriminatedUnion(
  'kind',
  [ofConnections, ofLoads],
  must('what experiment() or loadExperiment() makes'),
);
const shapes = { scenario: ofConnections, load: ofLoads } as const;

/**
 * Check what an experiment file declares, as its types would have. `origin` is the file's path as the user knows it.
 * Throws BAD_DEFINITION with every problem, a line for each.
 */
export function validateDefinition(definition: unknown, origin: string): AnyDefinition {
  const parsed = shape.safeParse(definition, jitless);
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

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

/** Claims' ids are one set, own facts have names of their own, facts to show exist. */
function togetherProblems(definition: AnyDefinition): string[] {
  const { claims, across = [], measures, shows = [] } = definition;
  const isLoad = definition.kind === 'load';
  const connections: readonly string[] = isLoad ? [] : (definition.connections ?? []);
  const ids = [...claims, ...across].map(({ id }) => id);
  const twice = new Set(ids.filter((id, at) => ids.indexOf(id) !== at));
  const given = isLoad ? loadDeclarations() : declarations(connections);
  const taken = Object.keys(measures ?? {}).filter((name) => Object.hasOwn(given, name));
  const facts = [...Object.keys(given), ...Object.keys(measures ?? {})];
  const roles = ofAnyEnd(rolesOf(definition));
  const labelled = connections.filter((label) => Object.hasOwn(roles, label));
  const { factors, words = {} } = definition;
  const unknown = shows.filter((name) => !facts.includes(withoutRole(name, roles)) && !counterNamed(name));
  return [
    ...[...twice].map((id) => `claims: the id "${id}" is given twice`),
    ...taken.map(
      (name) => `measures.${name}: the name is taken, every ${isLoad ? 'load' : 'connection'} has this fact`,
    ),
    ...labelled.map((name: string) => `roles.${name}: the name is taken, a connection is called so`),
    ...wordProblems(factors, words as FactorWords),
    ...statementProblems(definition),
    ...unknown.map((name) => `shows: there is no fact "${name}"${didYouMean(name, facts)}`),
  ];
}

/** Statements of the guide rest on claims that there are, and have ids of their own. */
function statementProblems(definition: AnyDefinition): string[] {
  const { claims, guide = [] } = definition;
  const rates = definition.kind === 'load' ? (definition.rates ?? []) : [];
  const ids = claims.map(({ id }) => id);
  const own = [...guide, ...rates].map(statementId);
  return [
    ...guide
      .filter(({ claim: name }) => !ids.includes(name))
      .map(({ claim: name }) => `guide: there is no claim of cells "${name}"${didYouMean(name, ids)}`),
    ...new Set(own.filter((id, at) => own.indexOf(id) !== at).map((id) => `guide: the id "${id}" is given twice`)),
  ];
}

type FactorWords = Readonly<Record<string, { readonly values: Readonly<Record<string, string>> }>>;

/** Words of what is no factor, and no value of one. */
const wordProblems = (factors: Readonly<Record<string, readonly unknown[]>>, words: FactorWords): string[] =>
  Object.entries(words).flatMap(([name, { values }]) => {
    if (!Object.hasOwn(factors, name))
      return [`words: there is no factor "${name}"${didYouMean(name, Object.keys(factors))}`];
    const own = (factors[name] ?? []).map(String);
    return Object.keys(values)
      .filter((value) => !own.includes(value))
      .map((value) => `words.${name}: the factor has no value "${value}"${didYouMean(value, own)}`);
  });

function lines(issue: z.core.$ZodIssue, definition: unknown): string[] {
  const where = placeOf(issue.path, definition);
  if (issue.code !== 'unrecognized_keys') return [`${where}${where && ': '}${issue.message}`];
  const kind = kindOf(definition);
  const known = knownKeys(issue.path[0], kind);
  const hint = (key: string) => (issue.path.length === 0 && elsewhere(key, kind)) || didYouMean(key, known);
  return issue.keys.map((key) => `${where}${where && ': '}there is no "${key}" here${hint(key)}`);
}

type Kind = keyof typeof shapes;
const kindOf = (definition: unknown): Kind =>
  (definition as { readonly kind?: unknown }).kind === 'load' ? 'load' : 'scenario';

/** What is declared in the other kind of experiment only. */
function elsewhere(key: string, kind: Kind): string {
  const [here, there] = kind === 'load' ? [ofLoads, ofConnections] : [ofConnections, ofLoads];
  if (Object.hasOwn(here.shape, key) || !Object.hasOwn(there.shape, key)) return '';
  return kind === 'load'
    ? ': that is for experiment({ … }), whose scenario has peers'
    : ': that is for loadExperiment({ … }), whose scenario has load()';
}

function knownKeys(part: PropertyKey | undefined, kind: Kind): string[] {
  if (part === 'load') return Object.keys(repeating.shape);
  if (part === 'claims' || part === 'across') return Object.keys(claim.shape);
  if (part === 'guide') return Object.keys(statement.shape);
  if (part === 'rates') return Object.keys(rate.shape);
  return Object.keys(shapes[kind].shape).filter((key) => key !== 'kind');
}

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
