import type { End } from '../facts/states.ts';
import type { ArrivalRow, Ladder, LadderRow, SegmentRow, StateRow } from './ladder.ts';
import { Pen } from './ladder-pen.ts';

/** Where the columns of a drawing stand, px. */
export interface Columns {
  readonly width: number;
  readonly axis: number;
  /** Where arrows begin and end. */
  readonly x: Readonly<Record<End | 'wire', number>>;
  /** The left edge of the band of a connection's states. */
  readonly band: (end: End, label: string) => number;
  /** Where the names of states begin, going outwards. */
  readonly names: Readonly<Record<End, number>>;
}

/** px from the upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A segment, drawn: from where it was sent to where it came. */
export interface Arrow {
  readonly row: SegmentRow;
  /** Corners; one that is held bends. */
  readonly points: readonly [Point, Point, ...Point[]];
  readonly ending: 'head' | 'lost' | 'kept';
}

export interface Layout {
  readonly columns: Columns;
  readonly height: number;
  readonly states: readonly { readonly row: StateRow; readonly y: number }[];
  readonly arrows: readonly Arrow[];
  readonly ticks: readonly { readonly at: number; readonly y: number }[];
  /** What stands across: its middle. */
  readonly across: readonly { readonly row: Exclude<LadderRow, StateRow | ArrivalRow>; readonly y: number }[];
  /** Where the rows begin and end. */
  readonly top: number;
  readonly bottom: number;
}

export const bandWidth = 11;
const bandStep = bandWidth + 2;
/** Side by side; further connections share. */
const mostBands = 3;
const width = 760;
const axis = 82;
export function columnsFor({ labels }: Pick<Ladder, 'labels'>): Columns {
  const bands = Math.min(mostBands, Math.max(1, labels.length));
  const namesWidth = 116;
  const client = axis + 5 + namesWidth + bands * bandStep;
  const server = width - 10 - namesWidth - bands * bandStep;
  const laneOf = (label: string): number => Math.max(0, labels.indexOf(label)) % mostBands;
  return {
    width,
    axis,
    x: { client, wire: (client + server) / 2, server },
    band: (end, label) => {
      const out = laneOf(label) * bandStep;
      return end === 'client' ? client - bandWidth - out : server + out;
    },
    names: { client: client - bands * bandStep - 5, server: server + bands * bandStep + 5 },
  };
}

/** Places every row below the one before, as close as their words allow. `top`: px from the upper edge. */
export function layoutOf(ladder: Ladder, top: number, linesOf: (row: StateRow) => number): Layout {
  const columns = columnsFor(ladder);
  const pen = new Pen(columns, top, linesOf);
  for (const row of ladder.rows) pen.place(row);
  return pen.layout(top);
}
