import type { CountersEvent, Event, PathStep, StallEvent } from '../record/event.ts';
import type { FactValue, RefusedCall } from '../record/fact.ts';
import type { AsideRecord, IncarnationRecord, SegmentRecord, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { End } from '../tcp/states.ts';
import { asidesOf, forgedIn, unreachablesIn } from './asides.ts';
import { bytesOf, toldBy } from './bytes.ts';
import { isOf } from './chains.ts';
import { closedWith, closingContradiction, ofChain } from './closed-with.ts';
import { type CellView, type ConnectionView, type EndView, endName, type Sight, viewOf } from './connections.ts';
import { type Findings, notOver, Unknown } from './findings.ts';
import { kept } from './kept.ts';
import { endsOf } from './opened.ts';
import { type EndpointPath, pathOf } from './path.ts';
import { counterFact } from './table.ts';
import { timeWaitFacts } from './time-wait.ts';
import { unansweredFacts } from './unanswered.ts';
import { wireContradictions } from './wire-contradictions.ts';

/** What a record says: facts by name, `null` where not observed with the reason beside; each end's path with its evidence. */
export interface Derived {
  readonly facts: Record<string, FactValue | null>;
  readonly unknown: Record<string, string>;
  readonly paths: Record<string, readonly PathStep[]>;
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
      const { disagreements } = bytesOf(view, connection, connection[end]);
      const closing = closingContradiction(view, connection, connection[end]);
      const carried = wireContradictions(view, connection, connection[end]);
      for (const text of [...folded[end].disagreements, ...disagreements, ...closing, ...carried])
        warnings.push(warn('observers-disagree', text));
    }
    add(findings, label, connectionFindings(view, connection, folded));
  }
  Object.assign(findings, counterFindings(view.events));
  const { segments, incarnations } = view.carried;
  asides.sort((a, b) => a.t - b.t);
  return { ...split(findings), paths, segments: kept(segments), incarnations, asides, warnings };
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

function connectionFindings(view: CellView, connection: ConnectionView, folded: Record<End, EndpointPath>): Findings {
  const findings: Findings = { ...timeWaitFacts(view, connection, folded) };
  for (const end of endsOf(connection.event))
    add(findings, end, endFindings(view, connection, connection[end], folded[end]));
  return findings;
}

/** Facts of a label that several connections share would be those of any of them. */
function ambiguous(view: CellView, connection: ConnectionView, count: number): Findings {
  const why = `${count} connections share this name: give them labels with connections and as`;
  const names = Object.keys(connectionFindings(view, connection, foldedEnds(view, connection)));
  return Object.fromEntries(names.map((name) => [name, new Unknown(why)]));
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
    if (value instanceof Unknown) unknown[name] = value.why;
  }
  return { facts, unknown };
}

function endFindings(view: CellView, connection: ConnectionView, end: EndView, path: EndpointPath): Findings {
  const whole = (value: () => FactValue): FactValue | Unknown =>
    path.incomplete === undefined ? value() : new Unknown(path.incomplete);
  const states = path.steps.map(({ state }) => state);
  return {
    path: whole(() => states.filter((state, index) => state !== states[index - 1])),
    miniSocket: whole(() => path.steps.filter(({ mini }) => mini).map(({ state }) => state)),
    closedWith: closedWith(view, connection, end),
    retransmits: ofChain(
      view,
      end,
      'retransmits',
      (chain) => view.events.filter((event) => event.kind === 'retransmit' && isOf(chain, event)).length,
    ),
    ...durations(path),
    ...unansweredFacts(view, connection, end, path),
    ...(end.endpoint !== null && applicationFindings(view, end)),
    ...bytesOf(view, connection, end).findings,
  };
}

/** How long each state lasted that was seen to end; states entered twice add up. */
function durations(path: EndpointPath): Findings {
  const found: Record<string, number> = {};
  path.steps.forEach((step, index) => {
    const next = path.steps[index + 1];
    if (!next || step.evidence === 'sampled' || next.evidence === 'sampled') return;
    const name = `stateMs.${step.state}`;
    found[name] = (found[name] ?? 0) + (next.at - step.at) / 1e6;
  });
  const last = path.steps.at(-1);
  if (!last || last.state === 'CLOSED') return found;
  return { ...found, [`stateMs.${last.state}`]: new Unknown(notOver) };
}

/** What the end's application did and saw. */
function applicationFindings(view: CellView, end: EndView): Findings {
  const { node, calls } = toldBy(view, end);
  const closing = calls.filter(({ verb }) => verb.startsWith('close') || verb === 'shutdown');
  const names = node.map(({ event }) => event);
  const closed = node.find(({ event }) => event === 'close');
  const refused: RefusedCall[] = [...calls, ...node]
    .filter((event) => event.errno !== undefined)
    .sort((a, b) => a.t - b.t)
    .map((event) => ({
      call: event.syscall ?? (event.kind === 'call' ? event.verb : event.event),
      errno: event.errno ?? '',
    }));
  const stalls = view.events.filter((event): event is StallEvent => event.kind === 'stall' && event.peer === end.peer);
  return {
    events: names.filter((name, index) => name !== 'data' || names[index - 1] !== 'data'),
    sawEnd: names.includes('end'),
    hadError: closed?.hadError,
    errors: refused,
    closeMs: closing.length === 0 ? undefined : Math.max(...closing.map(({ ns }) => ns)) / 1e6,
    stallMs: stalls.length === 0 ? undefined : Math.max(...stalls.map(({ ns }) => ns)) / 1e6,
  };
}

/** Told in any case, so that one that is absent is known to have stayed as it was: Tcp.OutSegs. */
const always = 'Tcp.OutSegs';

/** Of each namespace the counters that changed. */
function counterFindings(events: readonly Event[]): Findings {
  const found: Findings = {};
  const last = new Map<string, CountersEvent>();
  for (const event of events) if (event.kind === 'counters') last.set(event.space, event);
  for (const { space, values } of last.values()) {
    for (const [name, value] of Object.entries({ [always]: 0, ...values })) found[counterFact(space, name)] = value;
  }
  return found;
}
