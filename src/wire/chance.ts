/** A number in [0, 1) and the state that gives the next one: Weyl sequence with MurmurHash3's 32-bit finalizer. */
export function draw(state: number): { readonly state: number; readonly value: number } {
  const next = (state + 0x9e3779b9) >>> 0;
  let mixed = Math.imul(next ^ (next >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return { state: next, value: ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 };
}
