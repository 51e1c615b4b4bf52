import { describe, expect, test } from 'vitest';
import { SampleSchedule } from '../../../src/observers/process/schedule.ts';

interface Sampled {
  readonly cell: number;
  readonly at: number;
}
/** Something that happens at a time, in ms. */
type Happening = readonly [at: number, what: (schedule: SampleSchedule, now: number) => void];

/** Lives a schedule through simulated time: an `ss` takes 4 ms, and whoever sleeps wakes when something happens. */
function lived(until: number, happenings: readonly Happening[], runs = 1): Sampled[] {
  const schedule = new SampleSchedule();
  const waiting = happenings.toSorted(([a], [b]) => a - b);
  const sampled: Sampled[] = [];
  for (let now = 0; now < until; ) {
    while (waiting[0] && waiting[0][0] <= now) waiting.shift()?.[1](schedule, now);
    const next = schedule.next(now);
    if ('cell' in next) {
      sampled.push({ cell: next.cell, at: now });
      schedule.sampled(next.cell, now, runs);
      now += 4;
    } else {
      now = Math.max(now + 0.01, Math.min(now + next.waitMs, waiting[0]?.[0] ?? Number.POSITIVE_INFINITY));
    }
  }
  return sampled;
}
const watch = (...cells: number[]): Happening[] =>
  cells.map((cell) => [0, (schedule, now) => schedule.watch(cell, now)] as const);
const nudge = (at: number, cell: number): Happening => [at, (schedule, now) => schedule.nudge(cell, now)];
const ask = (at: number, cell: number): Happening => [at, (schedule, now) => schedule.ask(cell, now)];
const times = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
const many = Array.from({ length: 200 }, (_, index) => index);

/** The most samples in any second. */
const busiestSecond = (sampled: readonly Sampled[]): number =>
  Math.max(...sampled.map(({ at }) => sampled.filter((other) => other.at >= at && other.at < at + 1000).length));

describe('one cell', () => {
  test('is looked at soon after a step, and then ever less often, down to once a second', () => {
    const at = lived(10_000, [...watch(1), nudge(100, 1)]).map((sample) => Math.round(sample.at));
    expect(at.slice(0, 8)).toEqual([115, 145, 205, 325, 565, 1045, 2005, 3005]);
  });

  test('is left alone for longer after a step where tracepoints show its states', () => {
    const schedule = new SampleSchedule(true);
    schedule.watch(1, 0);
    schedule.nudge(1, 100);
    expect(schedule.next(115)).toMatchObject({ waitMs: expect.closeTo(135) });
    expect(schedule.next(250)).toEqual({ cell: 1 });
  });

  test('that nothing has happened in yet is looked at once a second', () => {
    expect(lived(5000, watch(1)).map(({ at }) => Math.round(at))).toEqual([1000, 2000, 3000, 4000]);
  });

  test('is looked at at once when someone asks', () => {
    expect(lived(100, [...watch(1), ask(50, 1)])).toEqual([{ cell: 1, at: 50 }]);
  });

  test('is looked at sooner again after each step', () => {
    const at = lived(4200, [...watch(1), nudge(100, 1), nudge(4100, 1)]).map((sample) => Math.round(sample.at));
    expect(at.filter((time) => time > 4050)).toEqual([4115, 4145]);
  });

  test('rests after a look that took much CPU, unless someone asks', () => {
    const costly: Happening[] = times(0, 10_000, 10).map((at) => nudge(at, 1));
    const schedule = new SampleSchedule();
    schedule.watch(1, 0);
    schedule.sampled(1, 100);
    expect(schedule.took(1, 100, 4)).toBeUndefined();
    schedule.sampled(1, 200);
    expect(schedule.took(1, 200, 30)).toBe(1000);
    for (const [at, what] of costly.filter(([at]) => at > 200 && at < 1150)) what(schedule, at);
    expect(schedule.next(1190)).toMatchObject({ waitMs: expect.closeTo(10) });
    schedule.ask(1, 1191);
    expect(schedule.next(1191)).toEqual({ cell: 1 });
  });

  test('is not looked at after it went', () => {
    const gone: Happening = [110, (schedule) => schedule.unwatch(1)];
    expect(lived(3000, [...watch(1), nudge(100, 1), gone, nudge(120, 1), ask(130, 1)])).toEqual([]);
  });
});

describe('the budget of 40 a second', () => {
  test('holds over any second, with a burst of four, whatever many cells do', () => {
    const busy = times(0, 20_000, 20).map((at) => nudge(at, at % 200));
    const sampled = lived(20_000, [...watch(...many), ...busy]);
    expect(busiestSecond(sampled)).toBeLessThanOrEqual(44);
    expect(sampled.length).toBeGreaterThan(40 * 19);
    expect(sampled.length).toBeLessThanOrEqual(40 * 20 + 4);
  });

  test('holds for samples that someone asks for', () => {
    const asking = many.flatMap((cell) => times(0, 10_000, 250).map((at) => ask(at, cell)));
    expect(busiestSecond(lived(10_000, [...watch(...many), ...asking]))).toBeLessThanOrEqual(44);
  });

  test('counts each run of ss of a cell that has two namespaces', () => {
    expect(lived(10_000, watch(...many), 2).length).toBeLessThanOrEqual(203);
  });

  test('is not saved up over a pause', () => {
    const late = many.flatMap((cell): Happening[] => [[29_999, (s, now) => s.watch(cell, now)], ask(30_000, cell)]);
    expect(lived(30_500, late).length).toBeLessThanOrEqual(4 + 20);
  });
});

describe('who comes first when the budget is short', () => {
  const waitingLong = [...watch(...many)];

  test('a cell that just took a step, before many that only wait', () => {
    const after = lived(20_200, [...waitingLong, nudge(20_000, 7)]).filter(({ at }) => at >= 20_000);
    const its = after.findIndex(({ cell }) => cell === 7);
    expect(its).toBeGreaterThanOrEqual(0);
    expect(its).toBeLessThanOrEqual(1);
    expect(after[its]?.at).toBeLessThanOrEqual(20_040);
  });

  test('a cell for which someone waits, before those that only are due', () => {
    const sampled = lived(20_200, [...waitingLong, ask(20_000, 7)]).filter(({ at }) => at >= 20_000);
    expect(sampled[0]?.cell).toBe(7);
  });

  test('a cell for which someone waits, before many that take steps without end', () => {
    const busy = times(0, 21_000, 2).map((at) => nudge(at, (at / 2) % 50));
    const after = lived(20_200, [...waitingLong, ...busy, ask(20_000, 7)]).filter(({ at }) => at >= 20_000);
    expect(after.findIndex(({ cell }) => cell === 7)).toBeLessThanOrEqual(1);
  });

  test('a cell that just took a step and is asked for, before many that have long been asked for', () => {
    const asking = many.flatMap((cell) => times(0, 21_000, 250).map((at) => ask(at, cell)));
    const sampled = lived(20_200, [...waitingLong, ...asking, nudge(20_000, 7), ask(20_001, 7)]);
    const after = sampled.filter(({ at }) => at >= 20_001);
    expect(after.findIndex(({ cell }) => cell === 7)).toBeLessThan(2);
  });

  test('every cell gets its turn while others take steps without end', () => {
    const busy = times(0, 60_000, 10).map((at) => nudge(at, (at / 10) % 50));
    const sampled = lived(60_000, [...waitingLong, ...busy]);
    const counts = many.map((cell) => sampled.filter((sample) => sample.cell === cell).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  });

  test('cells that only wait take turns', () => {
    const sampled = lived(31_000, waitingLong).filter(({ at }) => at >= 1000);
    const counts = many.map((cell) => sampled.filter((sample) => sample.cell === cell).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });
});
