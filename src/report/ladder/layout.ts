import type { End } from '../../tcp/states.ts';
import type { ArrivalRow, AsideRow, Ladder, LadderRow, SegmentRow, StateRow } from './parts.ts';

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

/** What stands across all columns. */
export type AcrossRow = Exclude<LadderRow, StateRow | ArrivalRow | AsideRow>;

/** How many lines the words of a row take. */
export interface Lines {
  /** Below the first. */
  readonly beside: (row: StateRow | AsideRow) => number;
  readonly across: (row: AcrossRow) => number;
  /** Above an arrow; `half`: there is room for half of it only. */
  readonly label: (row: SegmentRow, half: boolean) => number;
  /** Whether the wire's deed stands below it. */
  readonly noted: (row: SegmentRow) => boolean;
}

export interface Layout {
  readonly columns: Columns;
  readonly height: number;
  readonly states: readonly { readonly row: StateRow; readonly y: number }[];
  readonly asides: readonly { readonly row: AsideRow; readonly y: number }[];
  /** ICMP messages and other packets that are no segments, from the wire to an end. */
  readonly told: readonly { readonly row: AsideRow; readonly points: readonly [Point, Point] }[];
  readonly arrows: readonly Arrow[];
  readonly ticks: readonly { readonly at: number; readonly y: number }[];
  /** What stands across: its middle. */
  readonly across: readonly { readonly row: AcrossRow; readonly y: number }[];
  /** Where the rows begin and end. */
  readonly top: number;
  readonly bottom: number;
}

export const bandWidth = 11;

const bandStep = bandWidth + 2;

/** Side by side; further connections share. */
const mostBands = 3;

const width = 800;

const axis = 96;

export function columnsFor({ labels }: Pick<Ladder, 'labels'>): Columns {
  const bands = Math.min(mostBands, Math.max(1, labels.length));
  const namesWidth = 122;
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
