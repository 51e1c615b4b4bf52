import type { Event } from '../record/event.ts';
import type { FactValue, UnknownFact } from '../record/fact.ts';
import type { AsideRecord, EndDoings, IncarnationRecord, PathStep, SegmentRecord, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { End } from '../tcp/states.ts';
import { asidesOf, forgedIn, unreachablesIn } from './asides.ts';
import { bytesOf } from './bytes.ts';
import { kept } from './carried.ts';
import { closingContradiction } from './closed-with.ts';
import { type CellView, type ConnectionView, endName, endsOf, type Sight, viewOf } from './connections.ts';
import { counterFindings } from './counters.ts';
import { doingsOf } from './doings.ts';
import { contradictoryFacts } from './invariants.ts';
import { type Findings, Unknown } from './kinds.ts';
import { type EndpointPath, pathOf } from './path.ts';
import { connectionFindings, endFindings } from './table.ts';
import { wireContradictions } from './wire-contradictions.ts';

/** What a record says: facts by name, `null` where not observed with the reason beside; each end's path with its evidence. */
export interface Derived {
  readonly facts: Record<string, FactValue | null>;
  readonly unknown: Record<string, UnknownFact>;
  readonly paths: Record<string, readonly PathStep[]>;
  /** What each end's application called, and what `ss` showed of it. */
  readonly ends: Record<string, EndDoings>;
  /** On the wire, where the cell had one. */
  readonly segments: readonly SegmentRecord[];
  readonly incarnations: readonly IncarnationRecord[];
  readonly asides: readonly AsideRecord[];
  readonly warnings: readonly Warning[];
}

/** Derive a cell's facts from its events up to the end of its scenario. */
export function derive(events: readonly Event[], sight: Sight): Derived {
  const horizon = events.find(({ kind }) => kind === 'scenario-ends')?.t;
  const view = viewOf(events, sight, horizon);
  const findings: Findings = {};
  const paths: Record<string, readonly PathStep[]> = {};
  const doings: Record<string, EndDoings> = {};
  const warnings: Warning[] = [];
  const isWired = view.carried.segments.length > 0;
  const asides = [...unreachablesIn(view), ...forgedIn(view)];
  for (const [label, all] of byLabel(view.connections)) {
    const last = all.at(-1);
    const [connection, ...others] = last?.event.again ? [last] : all;
    if (!connection) continue;
    if (others.length > 0) {
      add(findings, label, ambiguous(view, connection, others.length + 1));
      if (last && isWired) addLast(view, last, paths, asides);
      continue;
    }
    if (isWired) asides.push(...asidesOf(view, connection));
    const folded = foldedEnds(view, connection);
    for (const end of endsOf(connection.event)) {
      const name = endName(label, end);
      paths[name] = folded[end].steps;
      const own = doingsOf(view, connection[end]);
      if (own) doings[name] = own;
      const { disagreements } = bytesOf(view, connection, connection[end]);
      const closing = closingContradiction(view, connection, connection[end]);
      const carried = wireContradictions(view, connection, connection[end]);
      for (const text of [...folded[end].disagreements, ...disagreements, ...closing, ...carried])
        warnings.push(warn('observers-disagree', text));
    }
    add(findings, label, allFindings(view, connection, folded));
  }
  Object.assign(findings, counterFindings(view.events));
  const { segments, incarnations } = view.carried;
  asides.sort((a, b) => a.t - b.t);
  const found = split(findings);
  warnings.push(...contradictoryFacts(found.facts));
  return { ...found, paths, ends: doings, segments: kept(segments), incarnations, asides, warnings };
}

/** Of several attempts the last is drawn. */
function addLast(
  view: CellView,
  connection: ConnectionView,
  paths: Record<string, readonly PathStep[]>,
  asides: AsideRecord[],
): void {
  const folded = foldedEnds(view, connection);
  for (const end of endsOf(connection.event)) paths[endName(connection.label, end)] = folded[end].steps;
  asides.push(...asidesOf(view, connection));
}

function byLabel(connections: readonly ConnectionView[]): Map<string, ConnectionView[]> {
  const found = new Map<string, ConnectionView[]>();
  for (const connection of connections)
    found.set(connection.label, [...(found.get(connection.label) ?? []), connection]);
  return found;
}

const foldedEnds = (view: CellView, connection: ConnectionView): Record<End, EndpointPath> => ({
  client: pathOf(view, connection, connection.client),
  server: pathOf(view, connection, connection.server),
});

function allFindings(view: CellView, connection: ConnectionView, folded: Record<End, EndpointPath>): Findings {
  const findings: Findings = connectionFindings({ view, connection, folded });
  for (const end of endsOf(connection.event))
    add(findings, end, endFindings({ view, connection, end: connection[end], path: folded[end] }));
  return findings;
}

/** Facts of a label that several connections share would be those of any of them. */
function ambiguous(view: CellView, connection: ConnectionView, count: number): Findings {
  const why = `${count} connections share this name: give them labels with connections and as`;
  const names = Object.keys(allFindings(view, connection, foldedEnds(view, connection)));
  return Object.fromEntries(names.map((name) => [name, new Unknown('shared-label', why)]));
}

function add(findings: Findings, prefix: string, more: Findings): void {
  for (const [name, value] of Object.entries(more)) findings[prefix ? `${prefix}.${name}` : name] = value;
}

function split(findings: Findings): Pick<Derived, 'facts' | 'unknown'> {
  const facts: Derived['facts'] = {};
  const unknown: Derived['unknown'] = {};
  for (const [name, value] of Object.entries(findings)) {
    if (value === undefined) continue;
    facts[name] = value instanceof Unknown ? null : value;
    if (value instanceof Unknown) unknown[name] = { code: value.code, text: value.text };
  }
  return { facts, unknown };
}
