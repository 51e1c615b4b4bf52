import { type End, otherEnd } from '../../tcp/states.ts';
import { type AcrossRow, type Arrow, type Columns, columnsFor, type Layout, type Lines, type Point } from './layout.ts';
import {
  type ArrivalRow,
  type AsideRow,
  isCorrupt,
  isPacket,
  type Ladder,
  type LadderRow,
  type SegmentRow,
  type StateRow,
} from './parts.ts';
import { isHeld, isKept, isOwn } from './segment.ts';

/** Places every row below the one before, as close as their words allow. `top`: px from the upper edge. */
export function layoutOf(ladder: Ladder, top: number, lines: Lines): Layout {
  const columns = columnsFor(ladder);
  const pen = new Pen(columns, top, lines, bentIn(ladder.rows, lines));
  for (const row of ladder.rows) pen.place(row);
  return pen.layout(top);
}

/** A straight arrow passes so many rows: more would make it too steep for what stands beside it. */
const mostPassed = 2;

/** What is on its way while much happens or something stands across, what is held or has a note: it bends, so that none hides another. */
function bentIn(rows: readonly LadderRow[], { noted }: Lines): ReadonlySet<SegmentRow> {
  const under = new Set<SegmentRow>();
  const bent = new Set<SegmentRow>();
  for (const [index, row] of rows.entries()) {
    if (row.kind === 'arrival') {
      under.delete(row.of);
      if (noted(row.of) || index - rows.indexOf(row.of) - 1 > mostPassed) bent.add(row.of);
    } else if (row.kind === 'segment' || (row.kind === 'run' && row.split)) {
      if (row.split) under.add(row);
      if (row.kind === 'segment' && isHeld(row.segments[0])) bent.add(row);
    } else if (row.kind !== 'state' && row.kind !== 'aside') for (const each of under) bent.add(each);
  }
  return bent;
}

/** Between rows, between times at the axis, and what a line of text takes, px. */
const space = { row: 11, tick: 13, line: 13, label: 21 } as const;

/** A straight arrow's fall by its time on the way: by powers of ten, since microseconds and minutes stand side by side. */
function fallOf({ segments: [{ t, arrived = t }] }: SegmentRow): number {
  const us = Math.max(1, (arrived - t) / 1e3);
  return Math.min(44, 16 + 6 * Math.log10(us));
}

/** A straight arrow that was on its way while others were sent falls no further, px. */
const steep = 64;

/** Draws a ladder's rows from top to bottom, and knows where the next can stand. */
export class Pen {
  readonly #columns: Columns;
  readonly #lines: Lines;
  readonly #bent: ReadonlySet<SegmentRow>;
  readonly #states: Layout['states'][number][] = [];
  readonly #asides: Layout['asides'][number][] = [];
  readonly #told: Layout['told'][number][] = [];
  readonly #arrows: Arrow[] = [];
  readonly #ticks: Layout['ticks'][number][] = [];
  readonly #across: Layout['across'][number][] = [];
  readonly #under = new Map<SegmentRow, Point[]>();
  /** Counted from the wire outwards. */
  readonly #lanes = new Map<SegmentRow, number>();
  readonly #names: Record<End, number>;
  /** How far down lines reach: at the client, a quarter on, half way, three quarters on, at the server. */
  #low: number[];
  #y: number;

  constructor(columns: Columns, top: number, lines: Lines, bent: ReadonlySet<SegmentRow>) {
    this.#columns = columns;
    this.#lines = lines;
    this.#bent = bent;
    this.#names = { client: top, server: top };
    this.#low = [0, 0, 0, 0, 0].map(() => top - space.label);
    this.#y = top - space.row;
  }

  place(row: LadderRow): void {
    if (row.kind === 'state') this.#states.push({ row, y: this.#beside(row) });
    else if (row.kind === 'aside' && isPacket(row)) this.#tell(row);
    else if (row.kind === 'aside' && isCorrupt(row)) {
      this.#y = Math.max(this.#y, (this.#ticks.at(-1)?.y ?? 0) + space.tick - space.row);
      const y = this.#beside(row);
      this.#tick(row.at, y);
      this.#asides.push({ row, y });
    } else if (row.kind === 'aside') this.#asides.push({ row, y: this.#beside(row) });
    else if (row.kind === 'arrival') this.#arrive(row);
    else if (row.kind === 'segment' || (row.kind === 'run' && row.split)) this.#leave(row);
    else this.#stand(row);
  }

  /** At an end, below what stands there. */
  #beside(row: StateRow | AsideRow): number {
    const y = Math.max(this.#y + space.row, this.#names[row.end]);
    this.#names[row.end] = y + space.line * (1 + this.#lines.beside(row)) + 7;
    this.#y = y;
    return y;
  }

  /** Draws an ICMP message to an end, from the middle. */
  #tell(row: AsideRow): void {
    const { x } = this.#columns;
    const line = [
      { x: x.wire, y: 0 },
      { x: x[row.end], y: 20 },
    ] as const;
    const clear = this.#samples(line).map(({ index, y }) => (this.#low[index] ?? 0) + space.label - y);
    const top = Math.max(this.#y + space.row, (this.#ticks.at(-1)?.y ?? 0) + space.tick, ...clear);
    const points = line.map((point) => ({ x: point.x, y: point.y + top })) as unknown as readonly [Point, Point];
    this.#told.push({ row, points });
    this.#reach([
      { x: x[row.end], y: top + 20 },
      { x: x[otherEnd(row.end)], y: top + 20 },
    ]);
    this.#tick(row.at, top);
    this.#y = top + 20;
  }

  #stand(row: AcrossRow): void {
    const names = row.kind === 'pause' ? Math.max(this.#names.client, this.#names.server) : 0;
    const half = 9 + 7 * this.#lines.across(row);
    const ticks = row.kind === 'run' ? (this.#ticks.at(-1)?.y ?? 0) + space.tick : 0;
    const y = Math.max(this.#y + half + 12, names + 8, ticks, ...this.#low.map((low) => low + half + 11));
    this.#across.push({ row, y });
    if (row.kind === 'run') this.#tick(row.at, y);
    this.#y = y + half - 2;
    this.#low = this.#low.map(() => y + half);
    if (row.kind === 'pause') this.#names.client = this.#names.server = y + 24;
  }

  #leave(row: SegmentRow): void {
    const [segment] = row.segments;
    const { x } = this.#columns;
    const fall = fallOf(row);
    const half = { x: x.wire, y: fall / 2 };
    const [from, to] = [x[segment.from], x[otherEnd(segment.from)]];
    if (row.split) {
      this.#set(row, half);
      return;
    }
    const came = segment.arrived !== undefined;
    const line = isOwn(segment) ? [half, { x: to, y: fall }] : [{ x: from, y: 0 }, came ? { x: to, y: fall } : half];
    const points = this.#fit(row, line, line);
    this.#arrow(row, points, came || isOwn(segment) ? 'head' : isKept(segment) ? 'kept' : 'lost');
    this.#y = Math.max(...points.map(({ y }) => y));
    const [first] = points as [Point];
    if (came && !isOwn(segment) && this.#lines.noted(row)) this.#reach(points.map(({ x, y }) => ({ x, y: y + 14 })));
    if (!came && isHeld(segment)) this.#underNote(first, points.at(-1) as Point);
    // its note stands in the half that it leaves free
    if (isOwn(segment))
      this.#reach([
        { x: from, y: first.y + 30 },
        { ...half, y: first.y + 22 },
      ]);
    else if (!came)
      this.#reach([
        { ...half, y: this.#y + 8 },
        { x: to, y: this.#y + 12 },
      ]);
  }

  /** It is on its way until its arrival: held half way, or falling to a place that is not known yet. */
  #set(row: SegmentRow, half: Point): void {
    const [{ from }] = row.segments;
    const start = { x: this.#columns.x[from], y: 0 };
    const held = this.#bent.has(row);
    const bend = { x: this.#kneeX(row), y: half.y };
    const fall = { x: half.x, y: half.y * 1.4 };
    const crosses = [...this.#under.keys()].some(({ segments: [other] }) => other.from !== from);
    const flat = { x: half.x, y: 0 };
    const points = this.#fit(row, held ? [start, bend] : [start, start], held ? [start, bend] : [start, flat]);
    const [first, last] = points as [Point, Point];
    // room for what stands beside it, and for an X where two cross
    const room = crosses ? 34 : 0;
    if (held) this.#underNote(first, last);
    else
      this.#reach([
        { ...first, y: first.y + room },
        // as far as it falls until it bends
        { x: half.x, y: last.y + Math.max(room, fall.y, steep / 2) },
      ]);
    this.#under.set(row, points);
  }

  /** What is held says so below its line, on its sender's side. */
  #underNote(first: Point, bend: Point): void {
    this.#reach([
      { x: (first.x + bend.x) / 2, y: bend.y + 24 },
      { x: this.#columns.x.wire, y: bend.y + 24 },
    ]);
  }

  /** Where an arrow bends that would be too steep for what was placed beside it when it left; undefined where it is not. */
  #kneeOf(row: SegmentRow, start: Point, y: number): Point | undefined {
    if (y - start.y <= steep) return undefined;
    return { x: this.#kneeX(row), y: start.y + fallOf(row) / 2 };
  }

  /** Where it bends, if it does: beside what is on its way already, coming from the same end. */
  #kneeX(row: SegmentRow): number {
    const { from } = row.segments[0];
    const waiting = [...this.#under.keys()].filter(({ segments: [other] }) => other.from === from);
    const taken = new Set(waiting.map((other) => this.#lanes.get(other)));
    const lane = this.#lanes.get(row) ?? [0, 1, 2, 3, 4].find((each) => !taken.has(each)) ?? 0;
    this.#lanes.set(row, lane);
    return this.#columns.x.wire + (from === 'client' ? -9 : 9) * (1 + lane);
  }

  /** As high as it can be without touching what is above. */
  #fit(row: SegmentRow, line: readonly Point[], cleared: readonly Point[]): Point[] {
    const first = line[0] as Point;
    const whole = !row.split && row.segments[0].arrived !== undefined && !isOwn(row.segments[0]);
    const rows = this.#y + space.row - first.y;
    const ticks = (this.#ticks.at(-1)?.y ?? 0) + space.tick - first.y;
    const label = space.label + 12 * (this.#lines.label(row, !whole) - 1);
    const clear = this.#samples(cleared).map(
      ({ index, y }) => (this.#low[index] ?? 0) + (this.#isEdge(index) && whole ? 9 : label) - y,
    );
    const top = Math.max(rows, ticks, ...clear);
    const points = line.map((point) => ({ x: point.x, y: point.y + top }));
    this.#reach(points);
    this.#tick(row.at, first.y + top);
    this.#y = Math.max(this.#y, first.y + top);
    return points;
  }

  /** Lines come down as far as this one. */
  #reach(line: readonly Point[]): void {
    for (const { index, y } of this.#samples(line)) this.#low[index] = Math.max(this.#low[index] ?? 0, y);
  }

  #isEdge = (index: number): boolean => index === 0 || index === 4;

  /** Its heights where `low` is kept, as far as it reaches. */
  #samples(line: readonly Point[]): { index: number; y: number }[] {
    const { client, server } = this.#columns.x;
    const [a, b] = [line[0], line.at(-1)] as [Point, Point];
    return [0, 1, 2, 3, 4].flatMap((index) => {
      const x = client + ((server - client) * index) / 4;
      const part = a.x === b.x ? -1 : (x - a.x) / (b.x - a.x);
      return part < -0.05 || part > 1.05 ? [] : [{ index, y: a.y + (b.y - a.y) * part }];
    });
  }

  #arrive(row: ArrivalRow): void {
    const left = this.#under.get(row.of) ?? [];
    const [start = { x: 0, y: 0 }, bend = start] = left;
    const [segment] = row.of.segments;
    const x = this.#columns.x[otherEnd(segment.from)];
    const held = this.#bent.has(row.of);
    const fall = fallOf(row.of);
    const ticks = (this.#ticks.at(-1)?.y ?? 0) + space.tick;
    const edge = this.#low[x === this.#columns.x.client ? 0 : 4] ?? 0;
    const leg = [
      { x: bend.x, y: -9 },
      { x, y: 0 },
    ];
    const clear = held ? this.#samples(leg).map(({ index, y }) => (this.#low[index] ?? 0) + 9 - y) : [];
    const y = Math.max(this.#y + space.row, ticks, edge + 9, held ? bend.y + 34 : start.y + fall, ...clear);
    const end = { x, y };
    const knee = held ? bend : this.#kneeOf(row.of, start, y);
    const points: Point[] = knee ? [start, knee, { x: knee.x, y: y - 9 }, end] : [start, end];
    this.#under.delete(row.of);
    this.#arrow(row.of, points, 'head');
    const last = knee ? points.slice(-2) : points;
    this.#reach(last);
    this.#tick(row.at, y);
    this.#y = y;
  }

  #arrow(row: SegmentRow, points: readonly Point[], ending: Arrow['ending']): void {
    this.#arrows.push({ row, points: points as Arrow['points'], ending });
  }

  #tick(at: number, y: number): void {
    this.#ticks.push({ at, y });
  }

  layout(top: number): Layout {
    for (const [row, points] of this.#under) this.#arrow(row, points, 'kept');
    const bottom = Math.max(this.#y, this.#names.client, this.#names.server, ...this.#low) + 10;
    return {
      columns: this.#columns,
      height: bottom,
      states: this.#states,
      asides: this.#asides,
      told: this.#told,
      arrows: this.#arrows,
      ticks: this.#ticks,
      across: this.#across,
      top,
      bottom,
    };
  }
}
