import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { drawingsOf } from '../../../src/report/markdown/drawings.ts';
import { markdownPaths, pathList } from '../../../src/report/markdown/paths.ts';
import { reportOf } from '../../../src/report/model/report.ts';
import { cellOf, experimentOf, path, runOf } from '../fixture.ts';
import { wire } from '../wire-fixture.ts';

const paths = { client: path('ESTABLISHED 1', 'FIN-WAIT-1 2'), server: path('ESTABLISHED 1') };
const over = (lost: string, family: number, ...lines: string[]): CellRecord =>
  cellOf('x', { lost, family }, {}, { paths, ...(lines.length > 0 && { segments: wire(lines) }) });
const reported = (...records: CellRecord[]) => reportOf(runOf([experimentOf({ id: 'x' })], records));
/** As the report has them, then as the experiment's page has. */
const both = (room: number | undefined, ...records: CellRecord[]): [string, string, string[]] => {
  const report = reported(...records);
  const drawn = new Set(drawingsOf(report, room).keys());
  const [x] = report.experiments;
  return x ? [markdownPaths(x, drawn, 'report/x.md'), pathList(x, drawn), [...drawn]] : ['', '', []];
};

describe('over a wire', () => {
  const records = [
    over('once', 4, 'client F. 1:1 @3 dropped', 'client F. 1:1 @204-204.1'),
    over('never', 4, 'client F. 1:1 @3-3.1'),
    over('never', 6, 'client F. 1:1 @3.2-3.4'),
  ];
  const [text, list, drawn] = both(undefined, ...records);
  test('each ladder is a file; cells with the same segments share one', () => {
    expect(drawn).toEqual(['x-1.svg', 'x-2.svg']);
    expect(text).toContain('<summary><b>What the wire carried</b>: 2 sequence diagrams for 3 cells</summary>');
    expect(text).toContain('![Sequence diagram: lost=once,family=4](report/x-1.svg)');
    expect(text).toContain('- [`lost=never,family=4` and 1 more cell](report/x-2.svg)');
    expect(text).toContain('[All 2 with their closing segments](report/x.md#sequence-diagrams).');
    expect(list).toContain('## Sequence diagrams\n');
    expect(list).toContain(
      '- `lost=never,family=4`; `lost=never,family=6`. [Drawing](x-2.svg). Closing segments sent: ',
    );
  });

  test('what was no segment, and what the kernel refused, is told at its ladder', () => {
    const odd = { othersOwn: { 'no-tcp': 300, truncated: 1 }, refusedAsExpected: { EINVAL: 2 } };
    const line = 'client F. 1:1 @3-3.1';
    expect(both(undefined, { ...over('never', 4, line), odd })[1]).toContain(
      " Packets besides: of the wire's own that were no segment (no-tcp 300, truncated 1); that the kernel refused as expected (EINVAL 2).",
    );
    expect(both(undefined, over('never', 4, line))[1]).not.toContain('besides');
  });

  test('a cell in which no packet crossed it is named in a line, one that has another network is not', () => {
    const said = 'No packet crossed the wire in `x/lost=never,family=4`: there is no diagram.';
    expect(both(undefined, over('once', 4, 'client F. 1:1 @3 dropped'), over('never', 4))[0]).toContain(said);
    expect(text).not.toContain('No packet crossed');
    const onLoopback = { ...over('never', 4), files: ['events.ndjson.gz'] };
    expect(both(undefined, over('once', 4, 'client F. 1:1 @3 dropped'), onLoopback)[0]).not.toContain('No packet');
  });

  test('where there is room for few, each course of opening and closing segments is drawn once, the others are told', () => {
    const again = over(
      'twice',
      4,
      'client F. 1:1 @3 dropped',
      'client F. 1:1 @204 dropped',
      'client F. 1:1 @604-604.1',
    );
    const [short, long, few] = both(1e6, ...records, again);
    expect(few).toEqual(['x-1.svg', 'x-2.svg']);
    expect(short).toContain(
      '[All 3 with their closing segments](report/x.md#sequence-diagrams); 2 of them are drawn here: the size of a kept run is limited.',
    );
    expect(short).not.toContain('x-3.svg');
    expect(long).toContain('`lingerlab report RUN --ladder CELL` draws each.');
    expect(long).toContain('- `lost=twice,family=4`. Closing segments sent: ');
    const [none, , without] = both(100, ...records);
    expect(without).toEqual([]);
    expect(none).toContain('; none of them is drawn here: ');
    expect(both(100, records[1]!)[0]).toContain(
      '[Its closing segments](report/x.md#sequence-diagrams); it is not drawn here: ',
    );
  });
});

test('without a wire nothing is said of one', () => {
  const [text, list] = both(undefined, over('never', 4));
  expect(text).toContain('<b>What the two ends went through</b>: 1 sequence of states</summary>');
  expect(text + list).not.toMatch(/wire/);
});
