import type { Declaration } from '../record/fact.ts';
import { type End, ends } from '../tcp/states.ts';
import { applicationFacts } from './application.ts';
import { bytesFacts } from './bytes.ts';
import { closeSkewFacts } from './close-skew.ts';
import { closingFacts } from './closed-with.ts';
import { type CounterFact, counterDeclaration } from './counters.ts';
import type { FactGroup, Findings, ValueOf } from './kinds.ts';
import { type LoadValues, loadFacts } from './load.ts';
import { optionFacts } from './options.ts';
import { type OfEnd, pathFacts } from './path.ts';
import { partsOf } from './roles.ts';
import { type OfConnection, timeWaitFacts } from './time-wait.ts';
import { unansweredFacts } from './unanswered.ts';

/** Facts of one endpoint, each group in the file that derives it; their names begin with `client.` or `server.` in a cell. */
const ofEnd = [
  pathFacts,
  closingFacts,
  applicationFacts,
  optionFacts,
  bytesFacts,
  unansweredFacts,
] as const satisfies readonly FactGroup<unknown, OfEnd>[];

/** Facts of one connection. */
const ofConnection = [timeWaitFacts, closeSkewFacts] as const satisfies readonly FactGroup<unknown, OfConnection>[];

type Both<U> = (U extends unknown ? (of: U) => void : never) extends (of: infer I) => void ? I : never;
type DeclaredBy<G extends readonly FactGroup<unknown, never>[]> = Both<G[number]['declared']>;
type EndTable = DeclaredBy<typeof ofEnd>;
type ConnectionTable = DeclaredBy<typeof ofConnection> & {
  readonly [K in `${End}.${keyof EndTable & string}`]: K extends `${End}.${infer N extends keyof EndTable & string}`
    ? EndTable[N]
    : never;
};

const declaredIn = (groups: readonly FactGroup<unknown, never>[]): Record<string, Declaration> =>
  Object.assign({}, ...groups.map(({ declared }) => declared));
const foundBy = <Of>(groups: readonly FactGroup<unknown, Of>[], of: Of): Findings =>
  Object.assign({}, ...groups.map(({ find }) => find(of)));

/** What a record says of one end of a connection. */
export const endFindings = (of: OfEnd): Findings => foundBy<OfEnd>(ofEnd, of);
/** What a record says of a connection, its ends apart. */
export const connectionFindings = (of: OfConnection): Findings => foundBy<OfConnection>(ofConnection, of);

/** Facts of one connection's two ends and of the connection, by name. */
export type ConnectionValues = { readonly [K in keyof ConnectionTable]: ValueOf<ConnectionTable[K]> };

/** An experiment's own measures. */
type Measures<M> = { readonly [K in keyof M]: ValueOf<M[K]> };

/** A cell's facts: of its one connection, or of each named one; its own measures; the kernel's counters. */
export type FactsOf<C extends readonly string[], M> = ([C] extends [readonly []]
  ? ConnectionValues
  : {
      readonly [K in `${C[number]}.${keyof ConnectionValues & string}`]: K extends `${C[number]}.${infer N extends
        keyof ConnectionValues & string}`
        ? ConnectionValues[N]
        : never;
    }) &
  Measures<M> & { readonly [K in CounterFact]: number };

/** The facts of a cell of loads. */
export type LoadFactsOf<M> = LoadValues & Measures<M>;

/** Every declared fact of a cell of loads with these measures, by name. */
export const loadDeclarations = (
  measures: Readonly<Record<string, Declaration>> = {},
): Record<string, Declaration> => ({
  ...loadFacts,
  ...measures,
});

/** Every declared fact of a cell with these connections and measures, by name; counters are declared by {@link declarationOf}. */
export function declarations(
  connections: readonly string[] = [],
  measures: Readonly<Record<string, Declaration>> = {},
): Record<string, Declaration> {
  const one: Record<string, Declaration> = declaredIn(ofConnection);
  const each = Object.entries(declaredIn(ofEnd));
  for (const end of ends) {
    for (const [name, declared] of each) one[`${end}.${name}`] = declared;
  }
  const labels = connections.length === 0 ? [''] : connections.map((label) => `${label}.`);
  const all = labels.flatMap((label) =>
    Object.entries(one).map(([name, declared]) => [label + name, declared] as const),
  );
  return { ...Object.fromEntries(all), ...measures };
}

/** The declaration of a fact by its name: from the run's own table, where an experiment may declare a counter its own way, or a counter's. */
export const declarationOf = (name: string, table: Readonly<Record<string, Declaration>>): Declaration | undefined =>
  table[name] ?? counterDeclaration(name) ?? ofForgedConnection(name, table);

/**
 * A connection that the wire opened has the facts of any, `forged.server.path`, under a name that no experiment gave it. A run of
 * before there was one declares no `foreign`, and has none of them.
 */
function ofForgedConnection(name: string, table: Readonly<Record<string, Declaration>>): Declaration | undefined {
  const { of, label, own } = partsOf(name);
  if (!/^forged\d*$/.test(label) || !Object.keys(table).some((other) => partsOf(other).own === 'foreign'))
    return undefined;
  const groups = of === 'end' ? ofEnd : of === 'connection' ? ofConnection : [];
  return declaredIn(groups)[own];
}
