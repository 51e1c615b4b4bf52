import type { CallEvent, Event, NodeEvent, QueuesEvent } from '../record/event.ts';
import { otherEnd } from '../tcp/states.ts';
import { enteredAt } from './chains.ts';
import type { CellView, ConnectionView, EndView } from './connections.ts';
import { type Findings, Unknown } from './findings.ts';
import { type Marks, marksOf, type Place, placeAmounts, places } from './marks.ts';

/** What became of the bytes that one end wrote, and where two sources contradict each other about them. */
export interface BytesFound {
  readonly findings: Findings;
  readonly disagreements: readonly string[];
}

const ofEnd = (end: EndView) => (event: Event) =>
  event.source === 'peer' && event.peer === end.peer && 'endpoint' in event && event.endpoint === end.endpoint;

/** What the end's application, its net and its kernel told, in order. */
export interface Told {
  readonly view: CellView;
  readonly end: EndView;
  readonly calls: readonly CallEvent[];
  readonly node: readonly NodeEvent[];
  /** What lay in its queues when it was closed; undefined where that was not read. */
  readonly queues: QueuesEvent | undefined;
}

export function toldBy(view: CellView, end: EndView): Told {
  const own = view.events.filter(ofEnd(end));
  return {
    view,
    end,
    node: own.filter((event): event is NodeEvent => event.kind === 'node'),
    calls: own.filter((event): event is CallEvent => event.kind === 'call'),
    queues: own.findLast((event): event is QueuesEvent => event.kind === 'queues'),
  };
}

const sum = (events: readonly { readonly bytes?: number }[]): number =>
  events.reduce((total, { bytes }) => total + (bytes ?? 0), 0);

const isOver = ({ queues, end, node }: Told): boolean =>
  queues !== undefined || end.chain?.transitions.at(-1)?.to === 'CLOSED' || node.some(({ event }) => event === 'close');

/**
 * The bytes of one direction: written by one end's application, acknowledged by the other's kernel, delivered to its application,
 * and, once the other end is closed, lost: how many, and how far they had come. Where that application read more than was
 * written, an old connection's bytes are among them, and it is not known which.
 */
export function bytesOf(view: CellView, connection: ConnectionView, end: EndView): BytesFound {
  const other = connection[otherEnd(end.end)];
  if (end.endpoint === null) return { findings: {}, disagreements: [] };
  const from = toldBy(view, end);
  const to = toldBy(view, other);
  const written = sum(from.calls);
  if (other.endpoint === null) return { findings: { written }, disagreements: [] };
  const delivered = sum(to.node.filter(({ event }) => event === 'data'));
  if (delivered > written) {
    const foreign = new Unknown(
      `the ${to.end.end}'s application read ${delivered - written} bytes more than were written`,
    );
    return { findings: { written, delivered: foreign, acked: foreign, ...all(foreign) }, disagreements: [] };
  }
  const marks = marksOf(from, to, written, delivered);
  const findings: Findings = { written, delivered, acked: ackedOf(from, marks) };
  if (delivered < written && !isOver(to)) {
    const open = new Unknown(`the ${to.end.end} was still open when the scenario ended`);
    return { findings: { ...findings, ...all(open) }, disagreements: [] };
  }
  if ('contradiction' in marks) {
    const said = `${end.end}: ${marks.contradiction}`;
    const torn = new Unknown(`two sources contradict each other: ${marks.contradiction}`);
    return { findings: { ...findings, ...all(torn), lost: written - delivered }, disagreements: [said] };
  }
  return { findings: { ...findings, lost: written - delivered, ...lostPlaces(marks, from, to) }, disagreements: [] };
}

const all = (value: Unknown): Findings => ({
  lost: value,
  lostIn: value,
  ...Object.fromEntries(places.map((place) => [`lost.${place}`, value])),
});

function lostPlaces(marks: Marks, from: Told, to: Told): Findings {
  const amounts = placeAmounts(marks);
  const why = whyUnknown(from, to);
  const found: Findings = {};
  for (const place of places) {
    const { lo, hi } = amounts[place];
    found[`lost.${place}`] = lo === hi ? lo : new Unknown(`between ${lo} and ${hi} bytes: ${why}`);
  }
  const maybe = places.filter((place) => amounts[place].lo === 0 && amounts[place].hi > 0);
  const lostIn: readonly Place[] = places.filter((place) => amounts[place].lo > 0);
  found.lostIn = maybe.length === 0 ? lostIn : new Unknown(`perhaps ${maybe.join(', ')}: ${why}`);
  return found;
}

function whyUnknown(from: Told, to: Told): string {
  const silent = [from, to].filter(({ queues }) => queues === undefined).map(({ end }) => `the ${end.end}`);
  const reasons = [
    from.queues && `the ${from.end.end}'s kernel went on after the close`,
    silent.length > 0 && `the queues of ${silent.join(' and ')} were not read when it closed`,
  ];
  return reasons.filter(Boolean).join(', and ');
}

/** A FIN that was acknowledged has all bytes before it acknowledged. */
function finAcknowledged({ chain, resetAt }: EndView): boolean {
  if (enteredAt(chain, 'FIN-WAIT-2') !== undefined) return true;
  const ended = chain?.transitions.some(
    ({ from, to }) => to === 'CLOSED' && (from === 'CLOSING' || from === 'LAST-ACK'),
  );
  return resetAt === undefined && ended === true;
}

function ackedOf(from: Told, marks: Marks | { readonly contradiction: string }): number | Unknown {
  if ('contradiction' in marks) return new Unknown(`two sources contradict each other: ${marks.contradiction}`);
  const { taken, received, acked, final } = marks;
  if (taken.hi === 0) return 0;
  if (finAcknowledged(from.end) && taken.lo === taken.hi) return taken.hi;
  if (acked !== undefined && (final || acked === received.hi)) return acked;
  if (acked === undefined) return new Unknown(`the queues of the ${from.end.end} were not read when it closed`);
  return new Unknown(`between ${acked} and ${received.hi} bytes: its kernel went on after the close`);
}
