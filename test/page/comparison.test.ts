import { describe, expect, test } from 'vitest';
import { declarations, loadDeclarations } from '../../src/facts/table.ts';
import { columnsOf, comparisonPage } from '../../src/page/comparison.ts';
import { isDiffering, stretchesOf } from '../../src/page/stretches.ts';
import type { CellRecord, Run } from '../../src/record/schema.ts';
import { compareRuns } from '../../src/report/compare/compare.ts';
import { comparisonCsv } from '../../src/report/compare/csv.ts';
import { withoutFlips } from '../../src/report/compare/flips.ts';
import { comparisonMarkdown } from '../../src/report/compare/markdown.ts';
import { comparisonText } from '../../src/report/compare/text.ts';
import { toldOf } from '../../src/report/compare/told.ts';
import { cellOf, claimOf, experimentOf, path, runOf, saved } from '../report/fixture.ts';
import { acting, escapes, hostile, hostileRun, otherHostileRun } from './hostile.ts';

/** What a run is made of, to be made otherwise. */
interface Made {
  readonly cell: (cell: CellRecord) => CellRecord;
  /** A rate against its baseline, which itself is as fast as the machine. */
  readonly ratio: number;
  readonly speed: number;
  readonly verdict: 'confirmed' | 'refuted';
  readonly kernel: string;
  readonly sysctl: string;
  readonly notRun: Run['run']['notRun'];
}

const repeats = Array.from({ length: 8 }, (_, index) => index + 1);

/** A run with states, a time within its resolution, a race, a measured time and a load. */
function made(over: Partial<Made> = {}): Run {
  const {
    cell = (each) => each,
    ratio = 2,
    speed = 100,
    verdict = 'confirmed',
    kernel = '6.18.19',
    notRun = [],
  } = over;
  const load = {
    fact: 'rate.perSecond',
    margin: 0.03,
    alpha: 0.05,
    confidence: 0.95,
    leftOut: 0,
    against: [{ cell: 'load/way=b', baseline: 'load/way=a', pairs: 8, ratio: 1, p: 1, differs: 'alike' } as const],
  };
  const experiments = [
    experimentOf({
      id: 'close-order',
      factors: { closes: ['client', 'server'] },
      claims: [claimOf({ id: 'first-closer-waits', verdict })],
    }),
    experimentOf({ id: 'racing', factors: { data: [0] }, facts: saved({ ...declarations(), apart: measured }) }),
    { ...experimentOf({ id: 'load', factors: { way: ['a', 'b'] }, facts: saved(loadDeclarations()) }), load },
  ];
  const cells = [
    ...(['client', 'server'] as const).map((closes) =>
      cellOf(
        'close-order',
        { closes },
        { 'timeWait.holder': closes, 'timeWait.seconds': 60.2 },
        { paths: { [closes]: path('ESTABLISHED 1', 'FIN-WAIT-1 2', 'FIN-WAIT-2 3', 'TIME-WAIT 4*') } },
      ),
    ),
    ...repeats.map((repeat) =>
      cellOf(
        'racing',
        { data: 0 },
        { 'timeWait.holder': repeat < 5 ? 'client' : 'both', apart: 12 + repeat },
        { repeat, race: true },
      ),
    ),
    ...repeats.flatMap((repeat) =>
      (['a', 'b'] as const).map((way) =>
        cellOf(
          'load',
          { way },
          { 'rate.perSecond': (speed + repeat) * (way === 'b' ? ratio * (1 + repeat / 1e6) : 1) },
          { repeat, load: true },
        ),
      ),
    ),
  ].map(cell);
  return runOf(
    experiments,
    cells.filter(({ id }) => notRun.every((each) => each.id !== id)),
    {
      plan: [...new Set(cells.map(({ id }) => id))],
      notRun,
      environment: { kernel, sysctls: { 'net.ipv4.tcp_fin_timeout': over.sysctl ?? '60' } },
    },
  );
}
const measured = { type: 'number', unit: 'us', compare: 'measurement', text: 'how far apart the closes were' } as const;

const changed =
  (id: string, facts: (cell: CellRecord) => CellRecord['facts']) =>
  (cell: CellRecord): CellRecord =>
    cell.id === id ? { ...cell, facts: { ...cell.facts, ...facts(cell) } } : cell;

/** A comparison in each format. */
async function formats(...runs: Run[]) {
  const comparison = compareRuns(runs);
  const told = toldOf(comparison);
  const html = await comparisonPage(comparison, runs, 'comparison.html');
  const shown = html.slice(html.indexOf('<body>'), html.indexOf('id="_data"'));
  return {
    comparison,
    html: shown,
    /** Rows of the matrix, by part: what stands in each. */
    rows: rowsIn(shown),
    text: comparisonText(told, { color: false, width: 140 }),
    markdown: comparisonMarkdown(told),
    csv: rowsOfCsv(comparisonCsv(comparison)).filter(([kind]) => kind !== 'run'),
  };
}

const rowsIn = (html: string): (readonly [string, string])[] =>
  [...html.matchAll(/<tbody data-part="([\w-]+)"[^>]*>(.*?)<\/tbody>/gs)]
    .filter(([, part]) => part !== 'same')
    .flatMap(([, part = '', body = '']) =>
      [...body.matchAll(/<tr[^>]*data-row[^>]*>(.*?)<\/tr>/gs)].map(
        ([, row = '']) =>
          [
            part,
            row
              .replace(/<td[^>]* hidden[^>]*>.*?<\/td>/gs, '')
              .replace(/<span class="nb">(.*?)<\/span>/g, '$1')
              .replace(/<[^>]+>/g, ' ')
              .replace(/\s+/g, ' ')
              .trim(),
          ] as const,
      ),
    );

function rowsOfCsv(text: string): string[][] {
  const [, ...rows] = text.split('\r\n').filter(Boolean);
  return rows.map((row) =>
    [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)].map(([, quoted, bare]) =>
      quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'),
    ),
  );
}

describe('runs of one kernel do not differ', () => {
  test.each<[string, Partial<Made>]>([
    [
      'by a time within its resolution',
      { cell: changed('close-order/closes=client', () => ({ 'timeWait.seconds': 61.9 })) },
    ],
    [
      'by what chance makes of a race and of a measured time',
      {
        cell: changed('racing/data=0', ({ repeat }) => ({
          'timeWait.holder': repeat < 4 ? 'client' : 'both',
          apart: 20 - repeat,
        })),
      },
    ],
    ['by less than the margin of a load', { ratio: 2.01, speed: 101 }],
  ])('%s', async (_, over) => {
    const { comparison, rows, text, markdown, csv } = await formats(made(), made(over));
    expect(comparison).toMatchObject({ behaviour: 0, performance: 0, unstable: [], environment: [] });
    expect(rows).toEqual([]);
    expect(csv).toEqual([]);
    for (const format of [text, markdown]) expect(format).toMatch(/^(# )?No difference in \d+ facts of 5 cells/);
  });
});

describe('one planted difference is the only one, in every format', () => {
  interface Planted {
    readonly over: Partial<Made>;
    readonly counts: { readonly behaviour: number; readonly performance: number };
    /** What the page's matrix has, by part. */
    readonly rows: readonly (readonly [string, RegExp])[];
    /** Kind, experiment, cell, name and both values. */
    readonly csv: readonly (readonly string[])[];
    readonly markdown: string;
    readonly text: string;
  }
  test.each<[string, Planted]>([
    [
      'a fact',
      {
        over: { cell: changed('close-order/closes=server', () => ({ 'timeWait.holder': 'none' })) },
        counts: { behaviour: 1, performance: 0 },
        rows: [['fact', /^timeWait\.holder close-order .*in close-order\/closes=server server none$/]],
        csv: [['behaviour', 'close-order', 'close-order/closes=server', 'timeWait.holder', 'server', 'none']],
        markdown: '| `timeWait.holder` | server | none | in `close-order/closes=server` |',
        text: '≠ timeWait.holder  A server · B none',
      },
    ],
    [
      'a time beyond its resolution',
      {
        over: { cell: changed('close-order/closes=client', () => ({ 'timeWait.seconds': 65 })) },
        counts: { behaviour: 1, performance: 0 },
        rows: [['fact', /^timeWait\.seconds .*\(further apart than 2\.05 s\) 60\.2 s 65\.0 s$/]],
        csv: [['behaviour', 'close-order', 'close-order/closes=client', 'timeWait.seconds', '60.2 s', '65.0 s']],
        markdown: '| `timeWait.seconds` | 60.2 s | 65.0 s |',
        text: '≠ timeWait.seconds  A 60.2 s · B 65.0 s',
      },
    ],
    [
      'a claim',
      {
        over: { verdict: 'refuted' },
        counts: { behaviour: 1, performance: 0 },
        rows: [['claim', /^the end that closes first keeps TIME-WAIT .*first-closer-waits ✓ confirmed ✗ refuted$/]],
        csv: [['claim', 'close-order', '', 'first-closer-waits', 'confirmed', 'refuted']],
        markdown: '(`first-closer-waits`) | confirmed | refuted |',
        text: 'claim first-closer-waits  A confirmed · B refuted',
      },
    ],
    [
      'a time beyond noise',
      {
        over: { cell: changed('racing/data=0', ({ repeat }) => ({ apart: 112 + repeat })) },
        counts: { behaviour: 0, performance: 1 },
        rows: [['measured', /^apart racing in racing\/data=0 \(A → B: p = .*\) 16\.5 µs 117 µs \(×7\.06\)$/]],
        csv: [['performance', 'racing', 'racing/data=0', 'apart', '16.5 µs', '117 µs']],
        markdown: '| `apart` | A → B | 16.5 µs → 117 µs',
        text: '~ apart  A → B 16.5 µs → 117 µs',
      },
    ],
    [
      'the ratio of a load',
      {
        over: { ratio: 3, speed: 100 },
        counts: { behaviour: 0, performance: 2 },
        rows: [
          ['measured', /^rate relative to its baseline load in load\/way=b .* 2\.00 3\.00 \(\+50 %\)$/],
          ['measured', /^rate\.perSecond load in load\/way=b .* 209 314 \(\+50 %\)$/],
        ],
        csv: [
          ['performance', 'load', 'load/way=b', 'rate.perSecond', '209', '314'],
          ['performance', 'load', 'load/way=b', 'rate relative to its baseline', '2.00', '3.00'],
        ],
        markdown: '| `rate relative to its baseline` | A → B | 2.00 → 3.00 (+50 %)',
        text: '~ rate relative to its baseline  A → B 2.00 → 3.00 (+50 %)',
      },
    ],
    [
      'a cell that ran in one run only',
      {
        over: { notRun: [{ id: 'close-order/closes=server', reason: 'no such device', remedy: 'load it' }] },
        counts: { behaviour: 1, performance: 0 },
        rows: [['cell', /^cell close-order .*in close-order\/closes=server ran unsupported: no such device$/]],
        csv: [['cell', 'close-order', 'close-order/closes=server', 'cell', 'ran', 'unsupported']],
        markdown: '| `cell` | ran | unsupported: no such device |',
        text: '≠ cell  A ran · B unsupported: no such device',
      },
    ],
    [
      'a setting of the machine',
      {
        over: { sysctl: '30' },
        counts: { behaviour: 0, performance: 0 },
        rows: [['environment', /^net\.ipv4\.tcp_fin_timeout 60 30$/]],
        csv: [['environment', '', '', 'net.ipv4.tcp_fin_timeout', '60', '30']],
        markdown: '| `net.ipv4.tcp_fin_timeout` | 60 | 30 |',
        text: 'net.ipv4.tcp_fin_timeout  A 60 · B 30',
      },
    ],
  ])('%s', async (_, { over, counts, rows, csv, markdown, text }) => {
    const all = await formats(made(), made(over));
    expect(all.comparison).toMatchObject(counts);
    expect(all.rows.map(([part]) => part)).toEqual(rows.map(([part]) => part));
    for (const [nth, [, row]] of rows.entries()) expect(all.rows[nth]?.[1]).toMatch(row);
    expect(
      all.csv.map(([kind, experiment, cell, name, _known, _p, _corrected, ...values]) => [
        kind,
        experiment,
        cell,
        name,
        ...values,
      ]),
    ).toEqual(csv);
    expect(all.markdown).toContain(markdown);
    expect(all.text).toContain(text);
  });
});

describe("a comparison's page", () => {
  test('has the runs of several kernels in the order of these, with the known change beside what it explains', async () => {
    const other = (kernel: string, holder: string) =>
      made({ kernel, cell: changed('close-order/closes=client', () => ({ 'timeWait.holder': holder })) });
    const { html } = await formats(other('6.18.19', 'client'), other('5.10.0-46', 'none'), other('6.1.0-57', 'none'));
    const heads = [...html.matchAll(/<th scope="col" data-run="(\d)"><b>([^<]+)<\/b><small>([^<]+)/g)].slice(0, 3);
    expect(heads.map(([, ...each]) => each)).toEqual([
      ['1', '5.10', 'B'],
      ['2', '6.1', 'C'],
      ['0', '6.18', 'A'],
    ]);
    expect(html).toContain('<span class="mark new">new</span>');
    expect(html).toContain('data-from="from 6.18"');
  });

  test('shows what flipped as no difference', async () => {
    const runs = [made(), made({ cell: changed('close-order/closes=server', () => ({ 'timeWait.holder': 'none' })) })];
    const again = compareRuns([runs[1] as Run, made()]);
    const comparison = withoutFlips(compareRuns(runs), ['close-order/closes=server'], [undefined, again]);
    const rows = rowsIn(await comparisonPage(comparison, runs, 'comparison.html'));
    expect(rows).toEqual([['flip', expect.stringMatching(/^timeWait\.holder .*⇄ flipped – none, then server$/)]]);
    expect(
      rowsOfCsv(comparisonCsv(comparison))
        .find(([kind]) => kind === 'flip')
        ?.slice(-2),
    ).toEqual(['', 'none, then server']);
  });

  test('of one kernel calls runs by their labels, in the order in which they were named', () => {
    const runs = ['results/b', 'results/a'].map((folder) => ({ ...made(), folder }));
    const columns = columnsOf(toldOf(compareRuns(runs)), runs, 'comparison.html');
    expect(columns).toEqual([
      { run: 0, label: 'A', title: 'A', subtitle: 'b' },
      { run: 1, label: 'B', title: 'B', subtitle: 'a' },
    ]);
  });

  test('takes nothing from elsewhere, and draws a cell in which something differs', async () => {
    const runs = [made(), made({ cell: changed('close-order/closes=server', () => ({ 'timeWait.holder': 'none' })) })];
    const html = await comparisonPage(compareRuns(runs), runs, 'comparison.html');
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(html).toContain('What each run saw in <code>close-order/closes=server</code>');
    expect(html.match(/data-place="\d"/g)).toHaveLength(2);
  });
});

test('neighbours that do not differ are one, and what has nothing to compare is no change', () => {
  const all = [true, true, true, true];
  const places = (keys: (string | null)[], shown = all) =>
    stretchesOf(keys, shown).map(({ columns, isChange }) => [columns, isChange]);
  expect(places(['a', 'a', 'b', 'b'])).toEqual([
    [[0, 1], false],
    [[2, 3], true],
  ]);
  expect(places(['a', null, 'a', 'b'])).toEqual([
    [[0], false],
    [[1], false],
    [[2], false],
    [[3], true],
  ]);
  expect(places(['a', 'b', 'a', 'a'], [true, false, true, true])).toEqual([[[0, 2, 3], false]]);
  expect(isDiffering(['a', 'b', 'a', null], [true, false, true, true])).toBe(false);
});

describe('text of a run folder is text in a comparison, too', () => {
  test('as a page', async () => {
    const { html } = await formats(hostileRun, otherHostileRun);
    expect(html).toContain('&lt;img src=x onerror=');
    for (const text of hostile) if (text.includes('<')) expect(html).not.toContain(text);
    expect(html).not.toMatch(/<(?:img|b>bold|svg onload)/);
    expect(html).not.toMatch(acting);
    expect(html).toContain('\\u001b]0;title');
  });

  test('as Markdown and as CSV', async () => {
    const { markdown, csv } = await formats(hostileRun, otherHostileRun);
    expect(markdown).not.toMatch(/<(?:img|script|svg)/);
    // a comma, a quote and an angle bracket stay within their field
    expect(csv.find(([, , , name]) => name === 'note')?.slice(-2)).toEqual([
      `${hostile[3]}; ${hostile[4]}${escapes}`,
      hostile[0],
    ]);
  });
});
