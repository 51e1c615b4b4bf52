import { formatSeconds } from '../facts/values.ts';
import type { CellRecord, EndDoings, PathStep } from '../record/schema.ts';
import { connectionsOf } from '../report/model/courses.ts';
import { type ConnectionPaths, sequenceOf } from '../report/model/sequence.ts';
import { callText, refusalText } from '../report/timeline/calls.ts';
import { type End, ends, type State } from '../tcp/states.ts';

/** How time becomes width: distances by their logarithm, as they are with long gaps cut, or one for each event. */
export const timeScales = ['log', 'linear', 'order'] as const;
export type TimeScale = (typeof timeScales)[number];

/** Widths of a drawing, px: from each on, texts have at least the room that follows. What no text fits into has none. */
export const widths = [
  { from: 0, room: 216 },
  { from: 480, room: 400 },
  { from: 700, room: 620 },
  { from: 940, room: 860 },
] as const;

/** A text that is shown where it fits: in the widths of these places. */
export interface Label {
  readonly text: string;
  readonly at: readonly number[];
}

/** A state as a band; positions are shares of the width. */
export interface Band {
  readonly state: State;
  readonly from: number;
  readonly to: number;
  readonly mini: boolean;
  /** It goes on beyond the right edge. */
  readonly goesOn: boolean;
  readonly labels: readonly Label[];
  /** How its beginning is known: from where to where it may lie, where that is not one moment. */
  readonly evidence: PathStep['evidence'];
  readonly since?: number;
  readonly before?: State;
  /** What belongs to it elsewhere has the same. */
  readonly key: string;
  /** Two bands of one step: a socket, and then its mini-socket. */
  readonly step: number;
}

export interface Mark {
  readonly end: End;
  readonly kind: 'call' | 'look';
  readonly x: number;
  readonly labels: readonly (Label & { readonly toLeft: boolean })[];
  readonly key: string;
}

export interface Arrow {
  readonly from: End;
  readonly segment: string;
  readonly x1: number;
  readonly x2: number;
  readonly labels: readonly Label[];
}

/** The states of both ends of a connection on one axis of time. */
export interface Lanes {
  readonly label: string;
  readonly bands: Readonly<Record<End, readonly Band[]>>;
  readonly marks: readonly Mark[];
  readonly arrows: readonly Arrow[];
  /** What lies between two events: its width and how long it is. */
  readonly gaps: readonly {
    readonly from: number;
    readonly to: number;
    readonly labels: readonly Label[];
    readonly cut: boolean;
  }[];
  /** Every time at which something is drawn. */
  readonly ticks: readonly number[];
}

const abbreviations: Partial<Record<State, string>> = {
  ESTABLISHED: 'EST',
  'FIN-WAIT-1': 'FW1',
  'FIN-WAIT-2': 'FW2',
  'CLOSE-WAIT': 'CW',
  CLOSING: 'CLG',
  'LAST-ACK': 'LA',
  'TIME-WAIT': 'TW',
  'SYN-SENT': 'SS',
  'SYN-RECEIVED': 'SR',
};

/** px of a character of 11 px, and of the text's margins. */
const character = 7.4;
const padding = 6;

const shortestNs = 4000;
/** Of the sum of all others, a longer gap is cut in a linear drawing. */
const longestShare = 1.5;

/** Lanes of each connection of a result; those without a state are left out. */
export const lanesOf = (
  record: Pick<CellRecord, 'paths' | 'facts' | 'unknown' | 'ends' | 'segments'>,
  scale: TimeScale = 'log',
): Lanes[] =>
  connectionsOf(record).map((connection) =>
    lanesFor(connection, record.ends ?? {}, (record.segments?.length ?? 0) > 0, scale),
  );

interface StateAt {
  readonly end: End;
  readonly step: PathStep;
  readonly mini?: PathStep;
}

function lanesFor(
  connection: ConnectionPaths,
  doings: Readonly<Record<string, EndDoings>>,
  isWired: boolean,
  scale: TimeScale,
): Lanes {
  const { opened, origin, rows } = sequenceOf(connection);
  const states = rows.filter((row) => row.kind === 'state');
  const prefix = connection.label === '' ? '' : `${connection.label}.`;
  const last = Math.max(origin, ...states.map(({ step, mini }) => mini?.at ?? step.at));
  const marks = ends.flatMap((end) =>
    marksOf(end, prefix + end, doings[prefix + end], opened ? origin : undefined, last),
  );
  const times = timesIn(states, marks, origin, opened);
  const { at, total, gaps } = axisOf(times, scale, opened);
  const boxes = new Boxes();
  const bands = {
    client: bandsOf('client', states, { at, opened, prefix }),
    server: bandsOf('server', states, { at, opened, prefix }),
  };
  const arrows = isWired ? [] : arrowsOf(rows, at, boxes);
  return {
    label: connection.label,
    bands,
    marks: marks.map((mark) => placed(mark, at(mark.t), boxes)),
    arrows,
    gaps: gaps.map((gap) => ({
      from: gap.from / total,
      to: gap.to / total,
      cut: gap.cut,
      labels: fitting((gap.to - gap.from) / total, [formatSeconds(gap.ns / 1e9)], 0),
    })),
    ticks: times.map(at),
  };
}

function timesIn(states: readonly StateAt[], marks: readonly Marked[], origin: number, opened: boolean): number[] {
  const all = [
    ...states.flatMap(({ step, mini }) => [
      step.at,
      ...(step.evidence !== 'exact' && step.notBefore !== undefined && step.notBefore > origin ? [step.notBefore] : []),
      ...(mini ? [mini.at] : []),
    ]),
    ...marks.map(({ t }) => t),
  ];
  const sorted = [...new Set(all.length === 0 ? [origin] : all)].sort((a, b) => a - b);
  // an opening is not drawn: what was before the first call or close has no place
  return opened ? sorted.filter((t) => t >= Math.min(origin, ...marks.map((mark) => mark.t))) : sorted;
}

interface Axis {
  readonly at: (t: number) => number;
  readonly total: number;
  readonly gaps: readonly { readonly from: number; readonly to: number; readonly ns: number; readonly cut: boolean }[];
}

/** Where times stand: the first has room before it for the states that were there, the last for those that go on. */
function axisOf(times: readonly number[], scale: TimeScale, opened: boolean): Axis {
  const distances = times.slice(1).map((t, index) => t - (times[index] as number));
  const sum = distances.reduce((all, each) => all + each, 0);
  const widthOf = (ns: number): { width: number; cut: boolean } => {
    if (scale === 'order') return { width: 1, cut: false };
    if (scale === 'log') return { width: 0.3 + 0.72 * Math.max(0, Math.log10(ns / shortestNs)), cut: false };
    const rest = sum - ns;
    const most = rest * longestShare;
    return rest > 0 && ns > most ? { width: most, cut: true } : { width: ns, cut: false };
  };
  const drawn = distances.map(widthOf);
  const length = drawn.reduce((all, { width }) => all + width, 0) || 1;
  const lead = opened ? Math.max(length * 0.11, scale === 'linear' ? 0 : 0.9) : 0;
  const tail = Math.max(length * 0.13, scale === 'linear' ? 0 : 1);
  let x = lead;
  const places = new Map(times.slice(0, 1).map((t) => [t, x]));
  const gaps = drawn.map(({ width, cut }, index) => {
    const from = x;
    x += width;
    places.set(times[index + 1] as number, x);
    return { from, to: x, ns: distances[index] as number, cut };
  });
  const total = x + tail;
  const first = times[0] as number;
  return { at: (t) => (t < first ? 0 : (places.get(t) ?? x)) / total, total, gaps };
}

/** Rows of a drawing, px from its top: what stands in one cannot meet what stands in another. */
export const rowsAt = {
  gaps: 10,
  client: 32,
  clientBand: 40,
  arrows: 62,
  serverBand: 106,
  server: 146,
  height: 156,
} as const;
export const bandHeight = 22;
export const miniHeight = 12;

/** Places that are taken, in each width. */
class Boxes {
  readonly #taken = widths.map((): { left: number; right: number; top: number; bottom: number }[] => []);

  /** The widths, of these, in which a text has room and has taken it. */
  take(
    among: readonly number[],
    box: (room: number) => { left: number; right: number; top: number; bottom: number },
  ): number[] {
    return among.filter((place) => {
      const own = box((widths[place] as (typeof widths)[number]).room);
      const room = (widths[place] as (typeof widths)[number]).room;
      if (own.left < -2 || own.right > room + 2) return false;
      const taken = this.#taken[place] as { left: number; right: number; top: number; bottom: number }[];
      const isFree = taken.every(
        (other) =>
          own.right <= other.left || own.left >= other.right || own.bottom <= other.top || own.top >= other.bottom,
      );
      if (isFree) taken.push(own);
      return isFree;
    });
  }
}

const everywhere = widths.map((_, place) => place);

/** Of some texts, longest first, in each width the first that fits into this share. */
function fitting(share: number, texts: readonly string[], margin = padding): Label[] {
  let left: readonly number[] = everywhere;
  return texts.flatMap((text) => {
    const at = left.filter((place) => {
      const { room } = widths[place] as (typeof widths)[number];
      return text.length * character + margin <= room * share;
    });
    left = left.filter((place) => !at.includes(place));
    return at.length === 0 ? [] : [{ text, at }];
  });
}

type Part = Omit<Band, 'labels' | 'to' | 'goesOn'>;

interface Drawing {
  readonly at: (t: number) => number;
  readonly opened: boolean;
  readonly prefix: string;
}

function bandsOf(end: End, states: readonly StateAt[], { at, opened, prefix }: Drawing): Band[] {
  const own = states.filter((state) => state.end === end);
  const parts = own.flatMap(({ step, mini }, index): Part[] => {
    const x = at(step.at);
    const previous = own[index - 1]?.step.state ?? (opened ? 'ESTABLISHED' : undefined);
    const since = step.evidence === 'exact' || step.notBefore === undefined ? undefined : at(step.notBefore);
    const key = `${prefix}${end}:${step.state}`;
    const part: Part = {
      state: step.state,
      from: x,
      mini: step.mini === true,
      evidence: step.evidence,
      ...(since !== undefined && { since: Math.min(since, x) }),
      ...(previous !== undefined && { before: previous }),
      key,
      step: index,
    };
    return mini
      ? [part, { state: step.state, from: at(mini.at), mini: true, evidence: mini.evidence, key, step: index }]
      : [part];
  });
  const before: Part = {
    state: 'ESTABLISHED',
    from: 0,
    mini: false,
    evidence: 'exact',
    key: `${prefix}${end}:ESTABLISHED`,
    step: -1,
  };
  const all = [...(opened ? [before] : []), ...parts];
  const widthOf = (part: Part): number => (all[all.indexOf(part) + 1]?.from ?? 1) - part.from;
  return all.map((part, index) => {
    const next = all[index + 1];
    const short = abbreviations[part.state];
    // a state that goes on in a mini-socket has its name once, in the wider part
    const isNamed = all.every((other) => other.step !== part.step || other === part || widthOf(other) < widthOf(part));
    const until = next?.since ?? next?.from ?? 1;
    return {
      ...part,
      to: next?.from ?? 1,
      goesOn: next === undefined && part.state !== 'CLOSED',
      labels: isNamed ? fitting(until - part.from, [part.state, ...(short === undefined ? [] : [short])]) : [],
    };
  });
}

interface Marked {
  readonly end: End;
  readonly kind: Mark['kind'];
  readonly t: number;
  readonly text: string;
  readonly key: string;
}

/** Looks of ss that are drawn at most. */
const mostLooks = 4;

/** An end's closing and refused calls, and what ss showed; `from`: nothing earlier, but for a call just before it. */
function marksOf(
  end: End,
  who: string,
  doings: EndDoings | undefined,
  from: number | undefined,
  last: number,
): Marked[] {
  const { calls = [], looks = [] } = doings ?? {};
  const isShown = (call: (typeof calls)[number]): boolean => call.verb === 'close' || call.verb === 'shutdown';
  const shown = calls.filter(isShown).slice(0, 3);
  const earliest = from === undefined ? Number.NEGATIVE_INFINITY : Math.min(from, ...shown.map(({ t }) => t));
  return [
    ...shown.map((call) => ({
      end,
      kind: 'call' as const,
      t: call.t,
      text:
        callText(call as never)
          .replace(/^close by /, '')
          .replace(/,.*/, '') + refusalText(call as never),
      key: `call:${who}:${call.t}`,
    })),
    ...looks
      // what a look shows was so by its end
      .map(({ until, state }) => ({ t: until, state }))
      .filter(({ t }) => t >= earliest && t <= last + 120e9)
      .slice(0, mostLooks)
      .map(({ t, state }) => ({
        end,
        kind: 'look' as const,
        t,
        text: `ss: ${state ?? 'no socket'}`,
        key: `look:${who}:${t}`,
      })),
  ];
}

function placed({ end, kind, text, key }: Marked, x: number, boxes: Boxes): Mark {
  const width = text.length * 6.9;
  const top = end === 'client' ? rowsAt.client - 10 : rowsAt.server - 10;
  const rows = { top, bottom: top + 13 };
  const right = boxes.take(everywhere, (room) => ({ left: x * room - 7, right: x * room + 10 + width, ...rows }));
  const rest = everywhere.filter((place) => !right.includes(place));
  const left = boxes.take(rest, (room) => ({ left: x * room - 10 - width, right: x * room + 7, ...rows }));
  return {
    end,
    kind,
    x,
    key,
    labels: [
      ...(right.length > 0 ? [{ text, at: right, toLeft: false }] : []),
      ...(left.length > 0 ? [{ text, at: left, toLeft: true }] : []),
    ],
  };
}

/** States that a FIN of the other end leads to. */
const afterFin: ReadonlySet<State> = new Set(['CLOSE-WAIT', 'CLOSING', 'TIME-WAIT', 'CLOSED']);

/** The segments whose place the states fix: they are implied, not captured. */
function arrowsOf(rows: ReturnType<typeof sequenceOf>['rows'], at: (t: number) => number, boxes: Boxes): Arrow[] {
  return rows.flatMap((row, index): Arrow[] => {
    if (row.kind !== 'segment') return [];
    const isAck = row.segment === 'ACK';
    const near = isAck
      ? rows[index + 1]
      : rows.slice(0, index).findLast((each) => each.kind === 'state' && each.end === row.from);
    if (near?.kind !== 'state') return [];
    const x1 = at(near.step.at);
    const far = isAck
      ? undefined
      : rows
          .slice(index + 1)
          .find((each) => each.kind === 'state' && each.end !== row.from && afterFin.has(each.step.state));
    const x2 = far?.kind === 'state' ? at(far.step.at) : x1;
    const share = isAck ? 0.5 : 0.32;
    const x = x1 + (x2 - x1) * share;
    const down = row.from === 'client';
    const y = rowsAt.arrows + (rowsAt.serverBand - rowsAt.arrows) * (down ? share : 1 - share);
    const half = (row.segment.length * 7.4) / 2 + 2;
    const shown = boxes.take(everywhere, (room) => ({
      left: x * room - half,
      right: x * room + half,
      top: y - 7,
      bottom: y + 7,
    }));
    return [
      {
        from: row.from,
        segment: row.segment,
        x1,
        x2,
        labels: shown.length > 0 ? [{ text: row.segment, at: shown }] : [],
      },
    ];
  });
}
