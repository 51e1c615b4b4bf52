import { expect, test } from 'vitest';
import { readRun } from '../../../src/record/read.ts';
import { ladderSvg } from '../../../src/report/ladder/svg.ts';
import { markdownReport } from '../../../src/report/markdown/report.ts';
import { type Report, reportOf } from '../../../src/report/model/report.ts';
import { terminalSummary } from '../../../src/report/terminal/summary.ts';
import { keptRun } from '../../kept.ts';
import { sampleRun } from '../fixture.ts';

const copied = (report: Report): Report => JSON.parse(JSON.stringify(report)) as Report;
const drawn = (report: Report): readonly string[] => [
  markdownReport(report),
  terminalSummary(report, { color: false, path: 'report.md' }),
  ...report.experiments.flatMap(({ paths }) =>
    paths?.kind === 'ladders' ? paths.ladders.map(({ record }) => ladderSvg(record)) : [],
  ),
];

test('a report is data: what was written as JSON and read again is the same and draws the same', () => {
  const report = reportOf(sampleRun());
  expect(copied(report)).toEqual(report);
  expect(drawn(copied(report))).toEqual(drawn(report));
});

test('so is that of a whole run, with its loads and ladders', async () => {
  const run = await readRun(keptRun);
  const some = new Set(['load', 'old-duplicate', 'linger', 'server-restart']);
  const experiments = run.run.experiments.filter(({ id }) => some.has(id));
  expect(experiments).toHaveLength(some.size);
  const report = reportOf({
    ...run,
    run: { ...run.run, experiments },
    cells: run.cells.filter((cell) => some.has(cell.experiment)),
  });
  expect(report.experiments.some(({ load }) => load !== undefined)).toBe(true);
  expect(report.experiments.some(({ paths }) => paths?.kind === 'ladders')).toBe(true);
  expect(copied(report)).toEqual(report);
  expect(drawn(copied(report))).toEqual(drawn(report));
});

test('the report of a run is made once', () => {
  const run = sampleRun();
  expect(reportOf(run)).toBe(reportOf(run));
  expect(reportOf({ ...run })).not.toBe(reportOf(run));
});
