import { describe, expect, test } from 'vitest';
import { createProgress, type Progress } from '../../../src/report/progress/progress.ts';
import {
  begin,
  finished,
  type ProgressState,
  secondsLeft,
  started,
  waiting,
} from '../../../src/report/progress/state.ts';
import { lastLine, liveLines, plainLine } from '../../../src/report/progress/text.ts';

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
    const one = finished(two, ran('a'));
    expect(plainLine(one, 1000)).toContain('1 at work');
    expect(lastLine(finished(one, ran('a')), 1000)).toBe('2 cells in 1.0 s');
  });
});

test('where cells run more than once, their results are counted', () => {
  const state = begin(10, 0, new Map([['a', 1]]), 10);
  expect(plainLine(state, 0)).toContain('0 of 10 results');
  expect(lastLine(begin(1, 0, new Map([['a', 1]])), 0)).toContain('0 of 1 cell ');
});

test('the last seconds are counted down in seconds', () => {
  const state = finished(
    started(
      begin(
        2,
        0,
        new Map([
          ['a', 1],
          ['b', 1],
        ]),
      ),
      'a',
      0,
    ),
    ran('a'),
  );
  expect(plainLine(state, 1500)).toContain('about 2 s left');
});

describe('time left', () => {
  test('goes by the expected seconds that are done, not by the number of cells', () => {
    const expected = new Map([
      ['long', 90],
      ['short', 10],
    ]);
    const state = finished(started(begin(2, 0, expected, 100), 'short', 0), ran('short'));
    expect(secondsLeft(state, 10_000)).toBeCloseTo(90, 6);
  });
  test('counts every repeat of a cell that has many', () => {
    const expected = new Map([
      ['long', 90],
      ['short', 1],
    ]);
    const state = finished(started(begin(11, 0, expected, 100), 'long', 0), ran('long'));
    expect(secondsLeft(state, 90_000)).toBeCloseTo(10, 6);
  });
  test('is no less than the longest cell at work still takes', () => {
    const expected = new Map([
      ['wait', 60],
      ['a', 1],
      ['b', 1],
    ]);
    let state = started(begin(3, 0, expected, 62), 'wait', 0);
    for (const id of ['a', 'b']) state = finished(started(state, id, 0), ran(id));
    expect(secondsLeft(waiting(state, 'wait', 60, 1000), 2000)).toBeCloseTo(58, 6);
  });
  test('is not said before there is anything to go by', () => {
    expect(secondsLeft(started(begin(100, 0), 'a', 0), 100)).toBeUndefined();
  });
});
