/** What each number adds to the state. */
const step = 0x9e3779b9;

/** A number in [0, 1) and the state that gives the next one: Weyl sequence with MurmurHash3's 32-bit finalizer. */
export function draw(state: number): { readonly state: number; readonly value: number } {
  const next = (state + step) >>> 0;
  let mixed = Math.imul(next ^ (next >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return { state: next, value: ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 };
}

/** Numbers in [0, 1) that a seed determines. */
export interface Numbers {
  /** The next. */
  readonly next: () => number;
  /** Leaves so many out. */
  readonly skip: (count: number) => void;
}

export function seeded(seed: number): Numbers {
  let state = seed >>> 0;
  const next = (): number => {
    const drawn = draw(state);
    state = drawn.state;
    return drawn.value;
  };
  const skip = (count: number): void => {
    state = (state + Math.imul(step, count)) >>> 0;
  };
  return { next, skip };
}

/** Shuffle in place, each order equally likely: Fisher and Yates. */
export function shuffle(items: Int32Array, numbers: Numbers): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(numbers.next() * (last + 1));
    const item = items[last] as number;
    items[last] = items[other] as number;
    items[other] = item;
  }
}

/** How many numbers {@link shuffle} takes for so many items. */
export const numbersToShuffle = (items: number): number => Math.max(0, items - 1);
