import { expect, test } from 'vitest';
import { declarations } from '../../../src/facts/table.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { markdownLoad } from '../../../src/report/markdown/load.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const experiment = experimentOf({
  id: 'load',
  factors: { by: ['fin', 'rst'] },
  facts: saved(declarations([], {}, true)),
});
const rates = [100, 203, 98, 151, 99, 302, 97, 180, 120, 110];
const cells = rates.flatMap((rate, nth) =>
  [
    { by: 'fin', times: 1 },
    { by: 'rst', times: 0.8 + nth / 1000 },
  ].map(({ by, times }) =>
    cellOf(
      'load',
      { by },
      {
        'rate.perSecond': rate * times,
        'cpu.clientUs': 40,
        'timeWait.series': by === 'rst' ? [0, 0] : [nth, 10 * nth],
      },
      { repeat: nth + 1 },
    ),
  ),
);
const text = (some: typeof cells) => markdownLoad(experiment, gatherCells(runOf([experiment], some)));

test('a load tells each way with its spread, against the first with an interval, and what the test says', () => {
  const said = text(cells);
  expect(said).toContain('medians of 10 repeats');
  expect(said).toMatch(/\| `by=fin` \| 115 \(97 to 302\) \| +\|/);
  expect(said).toMatch(/\| `by=rst` \| .* \| 0\.80\d \(0\.80\d to 0\.80\d\): \*\*fewer\*\* \|/);
  expect(said).toMatch(/`cpu.clientUs` .*\n.*\n\| `by=fin` \| 40/);
});

test('and how it went through the window, with the quartiles of its ends', () => {
  expect(text(cells)).toMatch(/\| `by=fin` \| `▂█` \| 4\.50 \(2\.25 to 6\.75\) \| 45 \(22\.5 to 67\.5\) \|/);
});

test('repeats are counted where ways have not as many', () => {
  expect(text(cells.slice(0, -1))).toContain('medians of 9 to 10 repeats');
});

test('what measures no rate is no load', () => {
  expect(text([cellOf('load', { by: 'fin' }, { 'timeWait.seconds': 3 })])).toBe('');
});
