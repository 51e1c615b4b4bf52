import { createHistogram } from 'node:perf_hooks';
import type { Driven, Interval } from '../experiment/load.ts';
import type { DriveAsk } from './protocol.ts';

/** Of a window of less than half a second twentieths of a second, of others tenths: at 5,000 a second each has 250 latencies. */
const intervalOf = (seconds: number): number => (seconds < 0.5 ? 50 : 100);

/** Counts what is over: in a warm-up, and then in a window, by its intervals. */
export class Tally {
  readonly #latencies = createHistogram();
  readonly #ofInterval = createHistogram();
  readonly #late = createHistogram();
  readonly #intervals: Interval[] = [];
  readonly #failed: Record<string, number> = {};
  #phase: 'warm-up' | 'window' | 'over' = 'warm-up';
  #before = 0;
  #finished = 0;
  #closed = 0;
  #ever = 0;
  #seconds = 0;

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** A request was answered, on a connection that goes on. */
  finished(ms: number): void {
    if (this.#phase === 'warm-up') this.#before++;
    if (this.#phase !== 'window') return;
    this.#finished++;
    this.#ofInterval.record(Math.max(1, Math.round(ms * 1e6)));
  }

  /** The last request of a connection was, and the connection is over for the client. */
  closed(ms: number): void {
    this.finished(ms);
    this.#ever++;
    if (this.#phase === 'window') this.#closed++;
  }

  failed(errno: string): void {
    if (this.#phase === 'window') this.#failed[errno] = (this.#failed[errno] ?? 0) + 1;
  }

  /** What was due is begun, so much later. */
  begun(lateMs: number): void {
    if (this.#phase === 'window') this.#late.record(Math.max(1, Math.round(lateMs * 1e6)));
  }

  /** Resolves when the window is over. */
  async run({ warmUpSeconds, seconds }: DriveAsk, mark: () => void): Promise<void> {
    await until(performance.now() + warmUpSeconds * 1000);
    mark();
    this.#phase = 'window';
    const from = performance.now();
    const intervalMs = intervalOf(seconds);
    let last = from;
    for (let nth = 1; nth * intervalMs <= seconds * 1000; nth++) {
      await until(from + nth * intervalMs);
      const now = performance.now();
      this.#endInterval((now - last) / 1000);
      last = now;
    }
    await until(from + seconds * 1000);
    this.#seconds = (performance.now() - from) / 1000;
    if (this.#ofInterval.count > 0) this.#latencies.add(this.#ofInterval);
    this.#phase = 'over';
    mark();
  }

  #endInterval(seconds: number): void {
    const { count } = this.#ofInterval;
    this.#intervals.push({
      perSecond: count / seconds,
      p50Us: count === 0 ? 0 : this.#ofInterval.percentile(50) / 1000,
    });
    if (count > 0) this.#latencies.add(this.#ofInterval);
    this.#ofInterval.reset();
  }

  get told(): Driven {
    const at = (percentile: number) => this.#latencies.percentile(percentile) / 1000;
    return {
      seconds: this.#seconds,
      finished: this.#finished,
      closed: this.#closed,
      ever: this.#ever,
      before: this.#before,
      failed: this.#failed,
      latency: { p50Us: at(50), p75Us: at(75), p99Us: at(99), maxUs: this.#latencies.max / 1000 },
      lateUs: this.#late.count === 0 ? 0 : this.#late.percentile(50) / 1000,
      intervals: this.#intervals,
    };
  }
}

const until = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())));
