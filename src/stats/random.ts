/** A number in [0, 1) and the state that gives the next one: Weyl sequence with MurmurHash3's 32-bit finalizer. */
export function draw(state: number): { readonly state: number; readonly value: number } {
  const next = (state + 0x9e3779b9) >>> 0;
  let mixed = Math.imul(next ^ (next >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return { state: next, value: ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 };
}

/** Numbers in [0, 1) that a seed determines. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    const drawn = draw(state);
    state = drawn.state;
    return drawn.value;
  };
}

/** Shuffle in place, each order equally likely: Fisher and Yates. */
export function shuffle<T>(items: T[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
