import type { Event, Ns } from '../../record/event.ts';
import type { CellRecord, PathStep } from '../../record/schema.ts';
import { addressAndPort } from '../../tcp/address.ts';
import { blocksNs } from '../ladder/segment.ts';
import { returnsText } from './calls.ts';
import { folded, leastOf } from './folding.ts';
import { type Names, namesIn } from './names.ts';
import { sampleWords } from './samples.ts';
import { type Told, type Tone, type Words, wordsOf } from './words.ts';

/** One line of a timeline. */
export interface Entry {
  /** ms since the scenario began; of a sample when it had been taken, which is its event's `until`. */
  readonly ms: number;
  /** Of several in one, when the last was. */
  readonly untilMs?: number;
  /** Who saw or did it: a peer by its name, `wire`, `kernel`, `harness`, `ss` or `netlink`. */
  readonly lane: string;
  /** The event's kind; `step`: a state that no single event shows; `returns`: the end of a call that blocked. */
  readonly kind: Event['kind'] | 'step' | 'returns';
  readonly text: string;
  readonly tone: Tone;
  /** Details, printed where every event has a line. */
  readonly more?: string;
  /** How many events it stands for. */
  readonly count: number;
  /** As recorded; absent for several in one, `step` and `returns`. */
  readonly event?: Event;
  /** Of an end, by its path's name. */
  readonly step?: PathStep & { readonly of: string };
}

/** What happened in one (cell, repeat), in order. */
export interface Timeline {
  readonly id: string;
  readonly repeat: number;
  readonly status: CellRecord['status'];
  readonly reason?: CellRecord['reason'];
  readonly seconds: number;
  /** Addresses and ports of the ends, connection by connection. */
  readonly connections: readonly { readonly label: string; readonly client: string; readonly server: string }[];
  readonly entries: readonly Entry[];
  /** How many events the record has. */
  readonly events: number;
  /** How many of them have no entry of their own. */
  readonly folded: number;
}

export interface TimelineOptions {
  /** Every event has an entry of its own. */
  readonly all?: boolean;
  /** Timer interrupts a second of the kernel that ran the cell. */
  readonly hz?: number | undefined;
}

/** An entry before it is known what is counted together. */
export interface Moment extends Told {
  readonly at: Ns;
  readonly kind: Entry['kind'];
  readonly event?: Event;
  readonly step?: Entry['step'];
}

/** The timeline of a (cell, repeat): its events, and the states of its record that no event shows. */
export function timelineOf(
  events: readonly Event[],
  record: CellRecord,
  { all = false, hz }: TimelineOptions = {},
): Timeline {
  const names = namesIn(events);
  const words: Words = { names, hz, shown: sampleWords(names) };
  const origin = events.find(({ kind }) => kind === 'scenario-begins')?.t ?? events[0]?.t ?? 0;
  const ordered = [...events].sort((a, b) => momentOf(a) - momentOf(b));
  const moments = [
    ...ordered.flatMap((event) => momentsOf(event, words)),
    ...stepsOf(record, events, names).map((step) => stepMoment(step, origin)),
  ].sort((a, b) => a.at - b.at);
  const chosen = all ? moments : moments.filter(({ minor }) => !minor);
  const entries = all
    ? chosen.map((moment) => entryOf(moment, origin))
    : folded(chosen).map((group) => groupEntry(group, origin));
  const own = entries.filter(({ event }) => event !== undefined).length;
  return {
    id: record.id,
    repeat: record.repeat,
    status: record.status,
    ...(record.reason !== undefined && { reason: record.reason }),
    seconds: record.seconds,
    connections: names.connections.map(({ label, client, server }) => ({
      label,
      client: addressAndPort(client.local),
      server: addressAndPort(server.local),
    })),
    entries,
    events: events.length,
    folded: events.length - own,
  };
}

/** A sample shows what was there by its end; anything else has its own time. */
const momentOf = (event: Event): Ns => (event.kind === 'sample' ? event.until : event.t);

function momentsOf(event: Event, words: Words): Moment[] {
  const moment: Moment = { ...wordsOf(event, words), at: momentOf(event), kind: event.kind, event };
  if (event.kind !== 'call' || event.ns < blocksNs) return [moment];
  return [
    moment,
    { lane: event.peer, text: returnsText(event), tone: moment.tone, at: event.t + event.ns, kind: 'returns' },
  ];
}

/** States of the record that no transition shows: of mini-sockets, and those that were sampled. */
function stepsOf({ paths }: CellRecord, events: readonly Event[], { flow }: Names): NonNullable<Entry['step']>[] {
  const traced = new Set(
    events.flatMap((event) => (event.kind === 'transition' ? [`${flow(event)} ${event.to} ${event.t}`] : [])),
  );
  return Object.entries(paths).flatMap(([name, steps]) =>
    steps.filter(({ state, at }) => !traced.has(`${name} ${state} ${at}`)).map((step) => ({ ...step, of: name })),
  );
}

const lanes = { trace: 'kernel', ss: 'ss', tcp_info: 'kernel', node: 'kernel', wire: 'wire' } as const;

function stepMoment(step: NonNullable<Entry['step']>, origin: Ns): Moment {
  const { of, state, at, notBefore, evidence, source, mini } = step;
  const since =
    notBefore === undefined ? '' : `, entered between ${msText(notBefore - origin)} and ${msText(at - origin)}`;
  const how = evidence === 'sampled' ? ' (sampled)' : '';
  const text = `${of}: ${state}${mini ? ' as a mini-socket' : ''}${evidence === 'exact' ? '' : since}${how}`;
  return { lane: lanes[source], text, tone: 'state', at, kind: 'step', step };
}

function entryOf({ at, lane, kind, text, tone, more, event, step }: Moment, origin: Ns): Entry {
  return {
    ms: (at - origin) / 1e6,
    lane,
    kind,
    text,
    tone,
    ...(more !== undefined && { more }),
    count: 1,
    ...(event && { event }),
    ...(step && { step }),
  };
}

/** One entry for what is counted together. */
function groupEntry(group: readonly Moment[], origin: Ns): Entry {
  const [first] = group as readonly [Moment];
  const { alike, lane, kind, tone, at } = first;
  if (!alike || group.length < leastOf(alike)) return entryOf(first, origin);
  const bytes = group.reduce((sum, each) => sum + (each.alike?.bytes ?? 0), 0);
  return {
    ms: (at - origin) / 1e6,
    untilMs: ((group.at(-1)?.at ?? at) - origin) / 1e6,
    lane,
    kind,
    text: alike.counted(group.length, bytes),
    tone,
    count: group.length,
  };
}

/** A time since the scenario began, as timelines print it: ms with three decimals. */
export const msText = (ns: Ns): string => (ns / 1e6).toFixed(3);
