/** Samples a second that all watched cells share: 40 of `ss` cost 0.15 core. */
const budgetPerSecond = 40;
/** After a step a cell is looked at soon and then ever less often: states last microseconds or seconds. */
const firstMs = 15;
const lastMs = 1000;

interface Due {
  at: number;
  interval: number;
}

/** Which cell to sample next. Times in ms on any one clock; pure, so that its order can be tested without waiting. */
export class SampleSchedule {
  readonly #due = new Map<number, Due>();
  #tokens = budgetPerSecond / 10;
  #refilled = 0;

  watch(cell: number, now: number): void {
    this.#due.set(cell, { at: now + firstMs, interval: firstMs });
  }

  unwatch(cell: number): void {
    this.#due.delete(cell);
  }

  /** The cell's peers took a step. */
  nudge(cell: number, now: number): void {
    const due = this.#due.get(cell);
    if (!due) return;
    due.interval = firstMs;
    due.at = Math.min(due.at, now + firstMs);
  }

  /** The cell was sampled, by the schedule or for someone who asked. */
  sampled(cell: number, now: number): void {
    this.#refill(now);
    this.#tokens -= 1;
    const due = this.#due.get(cell);
    if (!due) return;
    due.interval = Math.min(due.interval * 2, lastMs);
    due.at = now + due.interval;
  }

  /** The cell to sample now, or how many ms to wait before asking again. */
  next(now: number): { readonly cell: number } | { readonly waitMs: number } {
    this.#refill(now);
    let earliest: [number, Due] | undefined;
    for (const entry of this.#due) if (!earliest || entry[1].at < earliest[1].at) earliest = entry;
    if (!earliest) return { waitMs: lastMs };
    const [cell, { at }] = earliest;
    const waitMs = Math.max(at - now, this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * 1000) / budgetPerSecond);
    return waitMs > 0 ? { waitMs } : { cell };
  }

  #refill(now: number): void {
    const earned = ((now - this.#refilled) * budgetPerSecond) / 1000;
    this.#refilled = now;
    this.#tokens = Math.min(this.#tokens + earned, budgetPerSecond / 10);
  }
}
