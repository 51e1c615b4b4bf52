import { expect, test } from 'vitest';
import { loadDeclarations } from '../../../src/facts/table.ts';
import { ratesSvg } from '../../../src/report/drawing/rates.ts';
import { gatherCells } from '../../../src/report/gather.ts';
import { markdownExperiment } from '../../../src/report/markdown/experiment.ts';
import { markdownLoad } from '../../../src/report/markdown/load.ts';
import { loadOf } from '../../../src/report/model/load.ts';
import { reportOf } from '../../../src/report/model/report.ts';
import { cellOf, experimentOf, runOf, saved } from '../fixture.ts';

const experiment = experimentOf({
  id: 'load',
  factors: { by: ['fin', 'rst'] },
  facts: saved(loadDeclarations()),
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
const text = (some: typeof cells) => {
  const load = loadOf(experiment, gatherCells(runOf([experiment], some)));
  return load ? markdownLoad(load, undefined) : '';
};

test('a load tells each way with its spread, against the first with an interval, and what the test says', () => {
  const said = text(cells);
  expect(said).toContain('Medians of 10 repeats');
  expect(said).toMatch(/\| way \| rate, relative to its baseline \|\n.*\n\| `by=fin` \| 115: the baseline \|/);
  expect(said).toMatch(/\| `by=rst` \| 0\.80\d \(0\.80\d–0\.80\d\): \*\*slower\*\* \|/);
  expect(said).toMatch(/\| `by=fin` \| 115 \(97 to 302\) \|/);
  expect(said).toMatch(/`cpu.clientUs` .*\n.*\n\| `by=fin` \| 40/);
});

test('a run of one repeat compares nothing, and has no chart', () => {
  const load = loadOf(experiment, gatherCells(runOf([experiment], cells.slice(0, 2))));
  expect(load && ratesSvg(load, 'x')).toBeUndefined();
  expect(load && markdownLoad(load, undefined)).toMatch(/\| way \| rate \|\n.*\n\| `by=fin` \| 100 \|/);
});

test('and how it went through the window, with the quartiles of its ends', () => {
  expect(text(cells)).toMatch(/\| `by=fin` \| `▂█` \| 4\.50 \(2\.25 to 6\.75\) \| 45 \(22\.5 to 67\.5\) \|/);
});

test('repeats are counted where ways have not as many', () => {
  expect(text(cells.slice(0, -1))).toContain('Medians of 9 to 10 repeats');
});

test('where the run left all results out, no way is a baseline, and none is said to be compared', () => {
  const load = { fact: 'rate.perSecond', margin: 0.03, alpha: 0.05, confidence: 0.95, leftOut: 20, against: [] };
  const quiet = { ...experiment, load };
  const view = loadOf(quiet, gatherCells(runOf([quiet], cells)));
  const said = view ? markdownLoad(view, undefined) : '';
  expect(said).toContain('| `by=fin` | 115 |');
  expect(said).not.toMatch(/baseline|compared/);
});

test('what measures no rate is no load', () => {
  expect(text([cellOf('load', { by: 'fin' }, { 'timeWait.seconds': 3 })])).toBe('');
});

test('what the run compared stands as it is, each way against its own baseline', () => {
  const ways = ['keep', 'fin', 'rst'];
  const compared = (cell: string, baseline: string, ratio: number) => ({
    cell: `load/by=${cell}`,
    baseline: `load/by=${baseline}`,
    pairs: 2,
    ratio,
    p: 0.01,
    differs: 'fewer' as const,
  });
  const stored = {
    ...experimentOf({ id: 'load', factors: { by: ways }, facts: saved(loadDeclarations()) }),
    load: {
      fact: 'rate.perSecond',
      margin: 0.05,
      alpha: 0.01,
      confidence: 0.95,
      leftOut: 0,
      against: [compared('fin', 'keep', 0.25), compared('rst', 'fin', 0.875)],
    },
  };
  const records = ways.flatMap((by) =>
    [1, 2].map((repeat) => cellOf('load', { by }, { 'rate.perSecond': 100 }, { repeat })),
  );
  const load = loadOf(stored, gatherCells(runOf([stored], records)));
  const said = load ? markdownLoad(load, undefined) : '';
  expect(said).toContain('signed ranks shows more than 5 %');
  expect(said).toContain('| `by=keep` | 100: the baseline |');
  expect(said).toContain('| `by=fin` | 0.250: **slower** |');
  expect(said).toContain('| `by=rst` | 0.875: **slower**, of `by=fin` |');
  const svg = load && ratesSvg(load, 'What does <closing> cost?');
  expect(svg).toContain('What does &lt;closing&gt; cost?');
  expect(svg).toContain('<title>by=rst: 0.875, of by=fin</title>');
});

test('what stands beside the ratio is of the same pairs, however the machine was meanwhile', () => {
  // the machine slows down: the way had more repeats while it was fast
  const rates = { fin: [100, 100, 50, 50, 50], rst: [90, 90, 45] };
  const stored = {
    ...experimentOf({ id: 'load', factors: { by: ['fin', 'rst'] }, facts: saved(loadDeclarations()) }),
    load: {
      fact: 'rate.perCpuSecond',
      margin: 0.05,
      alpha: 0.01,
      confidence: 0.95,
      leftOut: 0,
      against: [
        { cell: 'load/by=rst', baseline: 'load/by=fin', pairs: 3, ratio: 0.9, p: 0.01, differs: 'fewer' as const },
      ],
    },
  };
  const records = Object.entries(rates).flatMap(([by, all]) =>
    all.map((rate, nth) =>
      cellOf('load', { by }, { 'rate.perSecond': rate, 'rate.perCpuSecond': 2 * rate }, { repeat: nth + 1 }),
    ),
  );
  const load = loadOf(stored, gatherCells(runOf([stored], records)));
  const said = load ? markdownLoad(load, undefined) : '';
  expect(said).toContain('| way | requests per CPU-second, relative to its baseline | rate |');
  expect(said).toContain('| `by=fin` | 100: the baseline | 50 |');
  // its median of 90 would seem to be faster
  expect(said).toContain('| `by=rst` | 0.900: **dearer** | 0.900 × |');
});

test('every fact that its experiment shows has a column, also one that no table of the load has', () => {
  const section = (shows: string[]) => {
    const [first] = reportOf(runOf([{ ...experiment, shows }], cells.slice(0, 2))).experiments;
    return first ? markdownExperiment(first, new Set()) : '';
  };
  expect(section(['rate.perSecond', 'load.errors', 'load.finished'])).toMatch(
    /\| `load.errors` \| +`load.finished` \|/,
  );
  // what the tables of the load have is not printed twice
  expect(section(['rate.perSecond']).match(/`rate\.perSecond`/g)).toHaveLength(1);
});
