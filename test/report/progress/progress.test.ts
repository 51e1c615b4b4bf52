import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createProgress, type Progress } from '../../../src/report/progress/progress.ts';
import {
  begin,
  doneCount,
  finished,
  type ProgressState,
  secondsLeft,
  started,
  waiting,
} from '../../../src/report/progress/state.ts';
import { lastLine, liveLines, plainLine } from '../../../src/report/progress/text.ts';

/** Repeats that will run, of one stretch: a repeat's work is its seconds. */
const planned = (seconds: Readonly<Record<string, number>>, more: Readonly<Record<string, number>> = {}) =>
  Object.entries(seconds).flatMap(([id, each]) =>
    Array.from({ length: more[id] ?? 1 }, () => ({ id, seconds: each, stretch: 'all', work: each, isTimed: false })),
  );

const ran = (id: string) => ({ id, status: 'ran' as const, seconds: 1 });

function harness(over: { isTTY?: boolean; quiet?: boolean; total?: number } = {}) {
  let now = 0;
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), columns: 80 };
  const progress: Progress = createProgress({
    stream,
    isTTY: false,
    quiet: false,
    total: 200,
    clock: () => now,
    ...over,
  });
  return {
    progress,
    written,
    text: () => written.join(''),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('plain output', () => {
  test('hundreds of cells give a line for each tenth, not one for each', () => {
    const { progress, written, pass } = harness();
    for (let cell = 0; cell < 200; cell++) {
      progress.cellStarted(`x/a=${cell}`);
      pass(100);
      progress.cellFinished(ran(`x/a=${cell}`));
    }
    progress.close();
    expect(written).toHaveLength(11);
    expect(written[0]).toMatch(/^20 of 200 cells \(10 %\)/);
    expect(written.at(-1)).toBe('200 cells in 20 s\n');
  });

  test('a short run gets its last line only', () => {
    const { progress, written, pass } = harness({ total: 3 });
    for (const id of ['a', 'b', 'c']) {
      progress.cellStarted(id);
      pass(200);
      progress.cellFinished(ran(id));
    }
    progress.close();
    expect(written).toEqual(['3 cells in 0.6 s\n']);
  });

  test('a line comes after five seconds without one', () => {
    const { progress, written, pass } = harness();
    progress.cellStarted('a');
    pass(4900);
    progress.cellStarted('b');
    expect(written).toEqual([]);
    pass(200);
    progress.cellStarted('c');
    expect(written).toEqual(['0 of 200 cells (0 %), 3 at work\n']);
    progress.close();
  });

  test('errored and unsupported cells are said at once, with the reason', () => {
    const { progress, written } = harness();
    progress.cellFinished({ id: 'a', status: 'errored', seconds: 1, reason: { code: 'PEER_DIED', message: 'gone' } });
    progress.cellFinished({ id: 'b', status: 'unsupported', seconds: 0, reason: { message: 'no veth' } });
    progress.close();
    expect(written).toEqual([
      '✗ a errored: PEER_DIED: gone\n',
      '– b unsupported: no veth\n',
      '2 of 200 cells in 0.0 s, 1 unsupported, 1 errored\n',
    ]);
  });
});

describe('on a terminal', () => {
  test('the display is drawn over itself, and gone at the end', () => {
    const { progress, written, pass } = harness({ isTTY: true, total: 2 });
    progress.cellStarted('a');
    pass(100);
    progress.cellWaiting('a', 60);
    pass(100);
    progress.cellFinished(ran('a'));
    progress.close();
    expect(written[0]).toMatch(/^─{24} 0 of 2 cells \(0 %\), 1 at work.*\nat work {2}a$/);
    expect(written[1]?.startsWith('\r\x1b[1A\x1b[J')).toBe(true);
    expect(written[1]).toMatch(/1 waiting.*\nwaiting {2}a \(60 s\)$/);
    expect(written.at(-1)).toBe('\r\x1b[J1 of 2 cells in 0.2 s\n');
  });

  test('what is said stands above the display', () => {
    const { progress, written } = harness({ isTTY: true, total: 2 });
    progress.cellStarted('a');
    progress.say('stopping');
    expect(written.at(-1)?.startsWith('\r\x1b[1A\x1b[Jstopping\n────')).toBe(true);
    progress.close();
  });

  test('a burst of events is drawn once, but a cell that errored is never left out', () => {
    const { progress, text, written } = harness({ isTTY: true });
    for (let cell = 0; cell < 50; cell++) progress.cellStarted(`x/a=${cell}`);
    expect(written).toHaveLength(1);
    progress.cellFinished({ id: 'x/a=7', status: 'errored', seconds: 1, reason: { message: 'why' } });
    expect(text()).toContain('✗ x/a=7 errored: why\n');
    progress.close();
  });
});

test('quiet writes nothing', () => {
  for (const isTTY of [true, false]) {
    const { progress, written } = harness({ quiet: true, isTTY });
    progress.cellStarted('a');
    progress.cellFinished({ id: 'a', status: 'errored', seconds: 1 });
    progress.close();
    expect(written).toEqual([]);
  }
});

test('nothing is written after close', () => {
  const { progress, written } = harness();
  progress.close();
  progress.close();
  progress.cellFinished({ id: 'a', status: 'errored', seconds: 1 });
  expect(written).toEqual(['0 of 200 cells in 0.0 s\n']);
});

describe('lines', () => {
  const busy = (count: number): ProgressState =>
    Array.from({ length: count }, (_, a) => `close-order/closes=client,linger=off,family=${a}`).reduce(
      (state, id) => started(state, id, 0),
      begin(100, 0),
    );
  test('fit into the terminal and say how many cells they leave out', () => {
    const state = waiting(
      waiting(busy(30), 'close-order/closes=client,linger=off,family=3', 60, 0),
      'close-order/closes=client,linger=off,family=4',
      30,
      0,
    );
    for (const width of [40, 80, 200])
      for (const line of liveLines(state, 1000, width)) expect(line.length).toBeLessThanOrEqual(width);
    expect(liveLines(state, 1000, 100)[1]).toBe('at work  close-order/closes=client,linger=off,family=0 and 27 more');
    expect(liveLines(state, 1000, 130)[2]).toMatch(/^waiting {2}\S+family=4 \(29 s\), \S+family=3 \(59 s\)$/);
  });
  test('a wait that is over is work again', () => {
    const state = waiting(begin(1, 0), 'a', 10, 0);
    expect(plainLine(state, 5000)).toContain('1 waiting');
    expect(plainLine(state, 11_000)).toContain('1 at work');
  });
  test('repeats of a cell finish one by one', () => {
    const two = started(started(begin(2, 0), 'a', 0), 'a', 0);
    const one = finished(two, ran('a'), 500);
    expect(plainLine(one, 1000)).toContain('1 at work');
    expect(lastLine(finished(one, ran('a'), 1000), 1000)).toBe('2 cells in 1.0 s');
  });
});

test('where cells run more than once, their results are counted', () => {
  expect(plainLine(begin(10, 0, planned({ a: 1 }, { a: 10 })), 0)).toContain('0 of 10 results');
  expect(lastLine(begin(1, 0, planned({ a: 1 })), 0)).toContain('0 of 1 cell ');
});

test('the last seconds are counted down in seconds', () => {
  const state = finished(started(begin(2, 0, planned({ a: 1, b: 1 })), 'a', 0), ran('a'), 1500);
  expect(plainLine(state, 1500)).toContain('about 2 s left');
});

describe('time left', () => {
  test('goes by the work that is done, not by the number of cells', () => {
    const state = finished(started(begin(2, 0, planned({ long: 90, short: 10 })), 'short', 0), ran('short'), 10_000);
    expect(secondsLeft(state, 10_000)).toBeCloseTo(90, 6);
  });
  test('counts every repeat of a cell that has many', () => {
    const begun = begin(11, 0, planned({ long: 90, short: 1 }, { short: 10 }));
    expect(secondsLeft(finished(started(begun, 'long', 0), ran('long'), 90_000), 90_000)).toBeCloseTo(10, 6);
  });
  test('is no less than the longest cell at work still takes', () => {
    let state = started(begin(3, 0, planned({ wait: 60, a: 1, b: 1 })), 'wait', 0);
    state = waiting(state, 'wait', 60, 1000);
    for (const id of ['a', 'b']) state = finished(started(state, id, 0), ran(id), 2000);
    expect(secondsLeft(state, 2000)).toBeCloseTo(58, 6);
  });
  test('is not said before there is anything to go by', () => {
    expect(secondsLeft(started(begin(100, 0), 'a', 0), 100)).toBeUndefined();
  });
  test('is not said while a stretch whose pace is unknown has not begun; one that the plan times may be ahead', () => {
    const quiet = { id: 'quiet', seconds: 1, stretch: 'quiet', work: 1, isTimed: false };
    const behindQuiet = (isTimed: boolean) =>
      finished(
        started(begin(2, 0, [quiet, { id: 'x', seconds: 40, stretch: 'x', work: 40, isTimed }]), 'quiet', 0),
        ran('quiet'),
        3000,
      );
    expect(secondsLeft(behindQuiet(false), 3000)).toBeUndefined();
    expect(secondsLeft(behindQuiet(true), 3000)).toBeCloseTo(40, 6);
  });
});

describe('time left of a recorded run', () => {
  // results of a run of the default matrix, in the order in which they finished: stretch, on a wire, seconds by plan, began, finished
  const file = new URL('../../fixtures/progress/default-matrix.json', import.meta.url);
  const { total, rows } = JSON.parse(readFileSync(file, 'utf8')) as { total: number; rows: number[][] };
  const stretches = ['quiet', 'others', 'loads'] as const;
  const repeats = rows.map(([stretch = 0, wire = 0, seconds = 1], index) => ({
    id: `c${index}`,
    seconds,
    stretch: stretches[stretch] as string,
    work: stretch === 1 ? 1 + wire : seconds,
    isTimed: stretch === 2,
  }));
  const events = rows
    .flatMap(([stretch, , seconds = 0, began = 0, ended = 0], index) => {
      const waits = stretch === 1 && ended - began > seconds && seconds > 1;
      const moments = [
        { at: began, index, what: 'started' },
        { at: ended, index, what: 'finished' },
      ];
      return waits ? [...moments, { at: ended - seconds, index, what: 'waiting' }] : moments;
    })
    .sort((a, b) => a.at - b.at);

  /** Time left by the estimate and in truth, after each event that has an estimate. */
  function replay() {
    let state = begin(rows.length, 0, repeats);
    return events.flatMap(({ at, index, what }) => {
      const [id, now] = [`c${index}`, at * 1000];
      if (what === 'started') state = started(state, id, now);
      else if (what === 'waiting') state = waiting(state, id, repeats[index]!.seconds, now);
      else state = finished(state, ran(id), now);
      const left = secondsLeft(state, now);
      const share = doneCount(state) / rows.length;
      return left === undefined ? [] : [{ at, share, left, truth: total - at, end: at + left }];
    });
  }
  const said = replay();
  const errorAt = (least: number): number => {
    const { left, truth } = said.find(({ share }) => share >= least)!;
    return left / truth - 1;
  };

  test('is said for the first time when a seventh of the results is there, within a quarter of the truth', () => {
    const [{ share, left, truth }] = said as [(typeof said)[number]];
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.16);
    expect(Math.abs(left / truth - 1)).toBeLessThan(0.25);
  });
  test('is within a quarter of the truth at 30 % and at 50 %', () => {
    expect(Math.abs(errorAt(0.3))).toBeLessThan(0.25);
    expect(Math.abs(errorAt(0.5))).toBeLessThan(0.25);
  });
  test('moves the end by no more than a tenth of the run at once', () => {
    const jumps = said.slice(1).map(({ end }, index) => Math.abs(end - said[index]!.end));
    expect(Math.max(...jumps)).toBeLessThan(total / 10);
  });
});
