import type { Event, Ns } from '../../record/event.ts';
import type { CellRecord, PathStep } from '../../record/schema.ts';
import { addressAndPort } from '../../tcp/address.ts';
import { blocksNs } from '../ladder/segment.ts';
import { returnsText } from './calls.ts';
import { Folding, type Group, leastOf } from './folding.ts';
import { type Names, namesIn } from './names.ts';
import { Ordering } from './order.ts';
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

/** A timeline without its entries, as far as it is known before they are. */
export type TimelineHead = Omit<Timeline, 'entries' | 'folded'>;

/** The timeline of a (cell, repeat): its events, and the states of its record that no event shows. */
export function timelineOf(events: readonly Event[], record: CellRecord, options: TimelineOptions = {}): Timeline {
  const survey = new Survey();
  for (const event of events) survey.add(event);
  const telling = survey.telling(record, options);
  const entries = [...events.flatMap((event) => telling.add(event)), ...telling.end()];
  return { ...telling.head, entries, folded: telling.folded };
}

/**
 * Collects what must be known of all events before the first one is shown. Takes them once, in the order in which they were
 * recorded, and keeps few of them.
 */
export class Survey {
  readonly #naming: Event[] = [];
  #count = 0;
  #latest = Number.NEGATIVE_INFINITY;
  #late = 0;
  #first: Ns | undefined;
  #begins: Ns | undefined;

  add(event: Event): void {
    this.#count += 1;
    this.#first ??= event.t;
    if (event.kind === 'scenario-begins') this.#begins ??= event.t;
    const at = momentOf(event);
    this.#late = Math.max(this.#late, this.#latest - at);
    this.#latest = Math.max(this.#latest, at);
    // events of Node and samples name no endpoint that another event does not name
    if (event.kind !== 'node' && event.kind !== 'sample') this.#naming.push(event);
  }

  /** Makes the timeline's entries from the same events, which are taken once more; to be called when all were added. */
  telling(record: CellRecord, options: TimelineOptions = {}): Telling {
    const names = namesIn(this.#naming);
    const head: TimelineHead = {
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
      events: this.#count,
    };
    const origin = this.#begins ?? this.#first ?? 0;
    const steps = stepsOf(record, this.#naming, names).map((step) => stepMoment(step, origin));
    this.#naming.length = 0;
    return new Telling(head, { names, origin, steps, late: this.#late, options });
  }
}

interface TellingOf {
  readonly names: Names;
  readonly origin: Ns;
  readonly steps: readonly Moment[];
  /** How much earlier than an event that was recorded before it one may be. */
  readonly late: number;
  readonly options: TimelineOptions;
}

/** Makes entries of events, in the order in which they happened. */
export class Telling {
  readonly head: TimelineHead;
  readonly #words: Words;
  readonly #origin: Ns;
  readonly #all: boolean;
  readonly #events: Ordering<Event>;
  /** Entries that come after their event, such as the end of a call. States come after events of the same moment. */
  readonly #moments = new Ordering<Moment>(0, ({ at }) => at);
  readonly #steps = new Ordering<Moment>(0, ({ at }) => at);
  readonly #folding = new Folding<Moment>();
  #own = 0;

  constructor(head: TimelineHead, { names, origin, steps, late, options: { all = false, hz } }: TellingOf) {
    this.head = head;
    this.#words = { names, hz, shown: sampleWords(names) };
    this.#origin = origin;
    this.#all = all;
    this.#events = new Ordering(late, momentOf);
    for (const step of steps) this.#steps.expect(step);
  }

  /** Number of events so far that have no entry of their own. */
  get folded(): number {
    return this.head.events - this.#own;
  }

  /** The entries that are complete with this event. */
  add(event: Event): Entry[] {
    return this.#events.add(event).flatMap((each) => this.#tell(each));
  }

  /** The entries that are left. */
  end(): Entry[] {
    const left = this.#events.end().flatMap((each) => this.#tell(each));
    const moments = this.#before(Number.POSITIVE_INFINITY).flatMap((moment) => this.#entries(moment));
    return [...left, ...moments, ...this.#grouped(this.#folding.end())];
  }

  #tell(event: Event): Entry[] {
    const entries = this.#before(momentOf(event)).flatMap((moment) => this.#entries(moment));
    for (const moment of momentsOf(event, this.#words)) this.#moments.expect(moment);
    return entries;
  }

  /** Moments and states before this time, in order. */
  #before(time: Ns): Moment[] {
    const moments = this.#moments.until(time);
    return [...moments, ...this.#steps.until(time)].sort((a, b) => a.at - b.at);
  }

  #entries(moment: Moment): Entry[] {
    if (this.#all) return this.#counted([entryOf(moment, this.#origin)]);
    return moment.minor ? [] : this.#grouped(this.#folding.add(moment));
  }

  #grouped(groups: readonly Group<Moment>[]): Entry[] {
    return this.#counted(groups.map((group) => groupEntry(group, this.#origin)));
  }

  #counted(entries: Entry[]): Entry[] {
    for (const { event } of entries) if (event !== undefined) this.#own += 1;
    return entries;
  }
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
function groupEntry({ first: [first], count, bytes, until }: Group<Moment>, origin: Ns): Entry {
  const { alike, lane, kind, tone, at } = first;
  if (!alike || count < leastOf(alike)) return entryOf(first, origin);
  return {
    ms: (at - origin) / 1e6,
    untilMs: (until - origin) / 1e6,
    lane,
    kind,
    text: alike.counted(count, bytes),
    tone,
    count,
  };
}

/** A time since the scenario began, as timelines print it: ms with three decimals. */
export const msText = (ns: Ns): string => (ns / 1e6).toFixed(3);
