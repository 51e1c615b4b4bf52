/** Runs of `ss` a second that all watched cells share: 40 cost 0.15 core. */
const budgetPerSecond = 40;
/** How many may follow each other at once after a pause. */
const burst = 4;
/**
 * After a step a cell is looked at soon and then ever less often: states last microseconds or seconds. Where tracepoints show each state
 * exactly, a look only adds what lasts (timers, queues): two of three looks at a short cell were of no use, and cost a quarter of its CPU.
 */
const firstMs = { sampled: 15, exact: 150 } as const;
const lastMs = 1000;
/**
 * How many of its intervals a cell that is due can be left waiting while others go first. Where the budget is short, a cell
 * that just took a step so comes before those that only wait, however long they have been due, and yet each gets its turn.
 */
const patience = { asked: 1, due: 10 };
/** By so much a sample that someone waits for goes before those that nobody does: cells end with one. */
const headStartMs = 1000;

/**
 * A look at very many sockets takes its time on the CPUs that those who are looked at need: behind one that took more CPU than
 * this the cell rests, unless someone asks, until looking is no more than this share of one CPU.
 */
const largeMs = 20;
const mostShare = 0.03;

interface Due {
  at: number;
  /** Nobody looks before, unasked. */
  rests: number;
  interval: number;
  asked: boolean;
}

const deadline = ({ at, interval, asked }: Due): number =>
  asked ? at + interval * patience.asked - headStartMs : at + interval * patience.due;

/** Which cell to sample next. Times in ms on any one clock; pure, so that its order can be tested without waiting. */
export class SampleSchedule {
  readonly #firstMs: number;
  readonly #due = new Map<number, Due>();
  #tokens = burst;
  #refilled = 0;

  /** `exact`: whether tracepoints show the states between two looks. */
  constructor(exact = false) {
    this.#firstMs = exact ? firstMs.exact : firstMs.sampled;
  }

  /** Nothing happens in a new cell before its first step. */
  watch(cell: number, now: number): void {
    this.#due.set(cell, { at: now + lastMs, rests: 0, interval: lastMs, asked: false });
  }

  has(cell: number): boolean {
    return this.#due.has(cell);
  }

  unwatch(cell: number): void {
    this.#due.delete(cell);
  }

  /** The cell's peers took a step. */
  nudge(cell: number, now: number): void {
    const due = this.#due.get(cell);
    if (!due) return;
    due.interval = this.#firstMs;
    due.at = Math.max(Math.min(due.at, now + this.#firstMs), due.rests);
  }

  /** Someone waits for a sample of the cell. */
  ask(cell: number, now: number): void {
    const due = this.#due.get(cell);
    if (!due) return;
    due.asked = true;
    due.at = Math.min(due.at, now);
  }

  /** The cell is being sampled, with so many runs of `ss`. */
  sampled(cell: number, now: number, runs = 1): void {
    this.#refill(now);
    this.#tokens -= runs;
    const due = this.#due.get(cell);
    if (!due) return;
    due.interval = Math.min(due.interval * 2, lastMs);
    due.at = now + due.interval;
    due.asked = false;
  }

  /** The sample just taken took so many ms of CPU; for how long the cell rests, where that was much. */
  took(cell: number, now: number, cpuMs: number): number | undefined {
    const due = this.#due.get(cell);
    if (!due || cpuMs < largeMs) return undefined;
    const restMs = Math.round(cpuMs / mostShare);
    due.rests = now + restMs;
    if (!due.asked) due.at = Math.max(due.at, due.rests);
    return restMs;
  }

  /** The cell to sample now, or how many ms to wait before asking again. */
  next(now: number): { readonly cell: number } | { readonly waitMs: number } {
    this.#refill(now);
    let first: { cell: number; deadline: number } | undefined;
    let soonest = now + lastMs;
    for (const [cell, due] of this.#due) {
      soonest = Math.min(soonest, due.at);
      if (due.at <= now && (!first || deadline(due) < first.deadline)) first = { cell, deadline: deadline(due) };
    }
    const waitMs = Math.max(soonest - now, this.#tokens >= 1 ? 0 : ((1 - this.#tokens) * 1000) / budgetPerSecond);
    return first && waitMs <= 0 ? { cell: first.cell } : { waitMs };
  }

  #refill(now: number): void {
    const earned = ((now - this.#refilled) * budgetPerSecond) / 1000;
    this.#refilled = now;
    this.#tokens = Math.min(this.#tokens + earned, burst);
  }
}
