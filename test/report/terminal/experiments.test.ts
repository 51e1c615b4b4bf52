import { describe, expect, test } from 'vitest';
import { type ListedExperiment, listLines } from '../../../src/report/terminal/experiments.ts';

const short: ListedExperiment = {
  id: 'linger',
  question: 'What does SO_LINGER change when a socket is closed?',
  tags: ['SO_LINGER', 'linger 0', 'RST', 'abortive close', 'ECONNRESET'],
  cells: 108,
  allCells: 108,
  seconds: 5.9,
};
const long: ListedExperiment = {
  id: 'an-experiment-with-a-very-long-id',
  question: 'On a path with delay and loss, how long does close() wait, and until which segment?',
  tags: ['SO_LINGER', 'latency'],
  cells: 1,
  allCells: 360,
  seconds: 62,
  whenNamed: true,
};
const lines = (width: number) =>
  listLines(
    new Map([
      ['Lingering', [short]],
      ['Paths', [long]],
    ]),
    { color: false, width },
  );

test('a list has groups, and of each experiment id, question, the first tags that fit, cells and time', () => {
  expect(lines(95)).toEqual([
    'Lingering',
    '  linger                    What does SO_LINGER change when a socket is closed?',
    '                            SO_LINGER · linger 0 · RST · abortive close · 108 cells · 5.9 s',
    '',
    'Paths',
    '  an-experiment-with-a-very-long-id',
    '                            On a path with delay and loss, how long does close() wait, and',
    '                            until which segment?',
    '                            SO_LINGER · 1 cell (360 with --all), run only by name · 1 min 2 s',
    '',
  ]);
});

describe('every line fits into the terminal', () => {
  test.each([60, 72, 80, 100, 140])('of %i columns', (width) => {
    expect(lines(width).filter((line) => line.length > width)).toEqual([]);
  });
});
