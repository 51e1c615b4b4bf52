import type { Ns } from '../record/event.ts';
import type { End } from '../tcp/states.ts';
import type { Pending } from './capture.ts';

/** A packet that the wire keeps: until it is released, until a time, or until others have passed. */
export interface Waiting {
  /** Its number; of a copy, the number of what it is a copy of. */
  readonly n: number;
  readonly from: End;
  readonly bytes: Uint8Array;
  readonly since: Ns;
  readonly rule: number;
  readonly why: 'held' | 'delayed' | 'overtaken' | 'copy';
  /** Absent: until it is released. */
  readonly due?: Ns;
  /** How many packets of its direction go first; it goes after them, or when it is due. */
  readonly behind?: number;
  /** Where the capture says what became of it; a copy has none. */
  readonly pending?: Pending;
}

/** Which packets are meant: of a rule, or one by its number, or all. */
export interface Which {
  readonly rule?: number;
  readonly n?: number;
}

/** All packets that the wire keeps. */
export interface WaitingRoom {
  add(waiting: Waiting): void;
  /** Take those whose time has come, in its order; of the same time, as they came. */
  due(now: Ns): Waiting[];
  readonly nextDue: Ns | undefined;
  /** A packet of this direction was carried: take those that waited for it. */
  passed(from: End): Waiting[];
  /** Packets that wait to be overtaken. */
  readonly overtaken: number;
  /** Take those that are held, as they came. */
  release(which: Which): Waiting[];
  /** Those that are held, as they came; they stay. */
  held(): Waiting[];
  /** Take all, as they came. */
  clear(): Waiting[];
  readonly size: number;
}

interface Slot {
  readonly waiting: Waiting;
  readonly order: number;
  behind: number;
  gone: boolean;
}

const earlier = (one: Slot, other: Slot): boolean => {
  const [a, b] = [one.waiting.due ?? 0, other.waiting.due ?? 0];
  return a === b ? one.order < other.order : a < b;
};

/** A binary heap of what has a time: the earliest is first. */
function heap() {
  const slots: Slot[] = [];
  const swap = (a: number, b: number) => {
    [slots[a], slots[b]] = [slots[b] as Slot, slots[a] as Slot];
  };
  return {
    first: () => slots[0],
    push(slot: Slot) {
      slots.push(slot);
      for (let at = slots.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!earlier(slots[at] as Slot, slots[parent] as Slot)) break;
        swap(at, parent);
        at = parent;
      }
    },
    pop(): void {
      const last = slots.pop() as Slot;
      if (slots.length === 0) return;
      slots[0] = last;
      for (let at = 0; ; ) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        let least = at;
        if (left < slots.length && earlier(slots[left] as Slot, slots[least] as Slot)) least = left;
        if (right < slots.length && earlier(slots[right] as Slot, slots[least] as Slot)) least = right;
        if (least === at) return;
        swap(at, least);
        at = least;
      }
    },
  };
}

export function makeWaitingRoom(): WaitingRoom {
  const timed = heap();
  const all = new Set<Slot>();
  let order = 0;
  let overtaken = 0;

  function take(slot: Slot): Waiting {
    slot.gone = true;
    all.delete(slot);
    if (slot.waiting.behind !== undefined) overtaken--;
    return slot.waiting;
  }
  /** The earliest that still waits. */
  function earliest(): Slot | undefined {
    for (let first = timed.first(); first; first = timed.first()) {
      if (!first.gone) return first;
      timed.pop();
    }
    return undefined;
  }
  const takeWhere = (meant: (slot: Slot) => boolean): Waiting[] => [...all].filter(meant).map(take);

  return {
    add(waiting) {
      const slot = { waiting, order: order++, behind: waiting.behind ?? 0, gone: false };
      all.add(slot);
      if (waiting.behind !== undefined) overtaken++;
      if (waiting.due !== undefined) timed.push(slot);
    },
    due(now) {
      const come: Waiting[] = [];
      for (let slot = earliest(); slot && (slot.waiting.due ?? 0) <= now; slot = earliest()) come.push(take(slot));
      return come;
    },
    get nextDue() {
      return earliest()?.waiting.due;
    },
    passed: (from) =>
      takeWhere((slot) => slot.waiting.behind !== undefined && slot.waiting.from === from && --slot.behind <= 0),
    get overtaken() {
      return overtaken;
    },
    release: ({ rule, n }) =>
      takeWhere(
        ({ waiting }) =>
          waiting.why === 'held' &&
          (rule === undefined || waiting.rule === rule) &&
          (n === undefined || waiting.n === n),
      ),
    held: () => [...all].map(({ waiting }) => waiting).filter(({ why }) => why === 'held'),
    clear: () => takeWhere(() => true),
    get size() {
      return all.size;
    },
  };
}
