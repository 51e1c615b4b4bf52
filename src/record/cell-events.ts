import type { Event } from './event.ts';

/** The events of a cell while it runs: a log that can be waited on. */
export interface CellEvents {
  readonly all: readonly Event[];
  add(event: Event): void;
}

export function cellEvents(): CellEvents {
  const all: Event[] = [];
  return { all, add: (event) => void all.push(event) };
}
