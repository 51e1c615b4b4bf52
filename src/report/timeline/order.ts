/**
 * Puts into order what comes nearly in order: nothing comes more than `late` after what came before. Only what may still be
 * preceded is kept. What has the same place stays as it came.
 */
export class Ordering<T> {
  readonly #late: number;
  readonly #placeOf: (each: T) => number;
  #waiting: T[] = [];

  constructor(late: number, placeOf: (each: T) => number) {
    this.#late = late;
    this.#placeOf = placeOf;
  }

  /** What can be preceded by nothing any more, now that this one has come. */
  add(each: T): readonly T[] {
    this.#insert(each);
    const last = this.#waiting.at(-1) as T;
    return this.until(this.#placeOf(last) - this.#late);
  }

  /** Keeps one that is given early: nothing is complete with it. */
  expect(each: T): void {
    this.#insert(each);
  }

  /** What lies before this place. */
  until(place: number): readonly T[] {
    return this.#waiting.splice(0, this.#firstFrom(place));
  }

  end(): readonly T[] {
    return this.#waiting.splice(0);
  }

  #insert(each: T): void {
    const place = this.#placeOf(each);
    let at = this.#waiting.length;
    while (at > 0 && this.#placeOf(this.#waiting[at - 1] as T) > place) at -= 1;
    this.#waiting.splice(at, 0, each);
  }

  #firstFrom(place: number): number {
    let at = 0;
    while (at < this.#waiting.length && this.#placeOf(this.#waiting[at] as T) < place) at += 1;
    return at;
  }
}
