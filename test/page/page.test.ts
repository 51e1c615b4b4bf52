import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { dataOf, pageData } from '../../src/page/data.ts';
import { guideOfPage } from '../../src/page/guide.ts';
import type { PageIndex, PageRecord } from '../../src/page/parts.ts';
import { mostResults, pageOf, savePage } from '../../src/page/save.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { reportFiles } from '../../src/report/markdown/beside.ts';
import { reportOf } from '../../src/report/model/report.ts';
import { cellOf, claimOf, experimentOf, runOf } from '../report/fixture.ts';
import { acting, escapesShown, hostile, hostileRun } from './hostile.ts';

const path = (at: number): CellRecord['paths'][string] => [
  { state: 'ESTABLISHED', at, evidence: 'exact', source: 'trace' },
  { state: 'FIN-WAIT-1', at: at + 1e6, evidence: 'exact', source: 'trace' },
  { state: 'TIME-WAIT', at: at + 3e6, notBefore: at + 2e6, evidence: 'bracketed', source: 'trace', mini: true },
];

const run = runOf(
  [
    experimentOf({
      id: 'close-order',
      factors: { closes: ['client', 'server', 'both'] },
      answer: {
        headline: 'The end that closes first keeps TIME-WAIT.',
        findings: [
          {
            number: '2 of 2',
            text: 'The first closer keeps TIME-WAIT.',
            cells: [{ id: 'close-order/closes=client', repeats: [1, 2] }],
          },
        ],
      },
      claims: [
        claimOf({
          id: 'first-waits',
          verdict: 'refuted',
          cells: { confirmed: 1, refuted: 1, inconclusive: 0 },
          observed: (['confirmed', 'refuted'] as const).map((verdict) => ({
            fact: 'timeWait.holder',
            verdict,
            results: 1,
            values: [{ value: verdict === 'confirmed' ? 'client' : 'none', results: 1 }],
          })),
        }),
      ],
    }),
  ],
  [
    cellOf(
      'close-order',
      { closes: 'client' },
      { 'timeWait.holder': 'client', 'timeWait.seconds': 60.123456789 },
      {
        paths: { client: path(5e9), server: [] },
        claims: [{ id: 'first-waits', verdict: 'confirmed', detail: { on: 'text', parts: [] } }],
      },
    ),
    cellOf(
      'close-order',
      { closes: 'client' },
      { 'timeWait.holder': 'none', 'counters.client.Tcp.OutRsts': 1 },
      {
        repeat: 2,
        claims: [{ id: 'first-waits', verdict: 'refuted', detail: { on: 'text', parts: ['the holder is none'] } }],
      },
    ),
    cellOf('close-order', { closes: 'server' }, {}, { status: 'errored', reason: { message: 'it threw' } }),
  ],
  {
    plan: ['close-order/closes=client', 'close-order/closes=server'],
    notRun: [{ id: 'close-order/closes=both', reason: 'no such device', remedy: 'load it' }],
  },
);

/** What a reader sees of a page without its script, in one line. */
const textOf = (html: string): string =>
  html
    .replace(/<(style|script)[^>]*>.*?<\/\1>/gs, '')
    .replace(/<span class="nb">(.*?)<\/span>/g, '$1')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ');

describe('the page of a run', () => {
  let html: string;
  beforeAll(async () => {
    html = await pageOf(run);
  }, 60_000);

  test('needs nothing else: no address but its own, and none that a browser would ask', () => {
    expect(html.replace(/http:\/\/www\.w3\.org\/[\w/]+/g, '')).not.toMatch(
      /https?:\/\/|<link|<iframe|@import|url\((?!#)/,
    );
    expect(html).toContain("default-src 'none'");
  });

  test('has without its script the headline, findings, claims with their verdicts, and every result', () => {
    const text = textOf(html);
    for (const said of [
      'The end that closes first keeps TIME-WAIT.',
      '2 of 2',
      'The first closer keeps TIME-WAIT.',
      'the end that closes first keeps TIME-WAIT',
      '1 of 2 results, 1 confirmed',
      'RFC 9293 §3.6.1',
      'does not hold',
      'it threw',
      'the holder is none',
    ])
      expect(text).toContain(said);
    const grid = /<table class="grid">.*?<\/table>/s.exec(html)?.[0] ?? '';
    expect([...grid.matchAll(/class="spot /g)]).toHaveLength(4);
    expect(grid).toContain('spot not errored');
    expect(grid).toContain('spot not unsupported');
  });

  test('has what a refuted claim needs beside what was observed', () => {
    const [, needs = '', observed = ''] = /<dt>needs<\/dt>(.*?)<dt>observed<\/dt>(.*?)<\/dl>/s.exec(html) ?? [];
    expect(textOf(needs).trim()).toBe(
      'the end that closes first keeps TIME-WAIT where it holds: timeWait.holder client',
    );
    expect(textOf(observed).trim()).toBe('timeWait.holder none the holder is none');
  });

  test('links a number and a share to the results behind them, and a mark to its result', () => {
    expect(html).toContain('href="#close-order&amp;q=finding:close-order.1"');
    expect(html).toContain('href="#close-order&amp;q=exp:close-order%20claim:first-waits"');
    expect(html).toContain('href="#close-order/closes=client/2"');
  });

  test('of other facts is another page', async () => {
    const other = { ...run, cells: run.cells.map((cell) => ({ ...cell, facts: { 'timeWait.holder': 'server' } })) };
    expect(textOf(await pageOf(other))).not.toContain('client 1');
    expect(textOf(await pageOf(other))).not.toBe(textOf(html));
  });
});

test('no text of a run folder becomes markup', async () => {
  const html = await pageOf(hostileRun);
  const drawn = html.slice(0, html.indexOf('id="_data"'));
  for (const text of hostile) if (text.includes('<')) expect(drawn).not.toContain(text);
  expect(drawn).toContain('&lt;img src=x onerror=');
  expect(drawn).toContain('sentence &lt;/script>&lt;script>globalThis.broken=1&lt;/script>');
  expect(drawn.match(/<script/g)).toHaveLength(2);
  expect(html.match(/<\/script>/g)).toHaveLength(3);
});

test('no text of a run folder acts on a terminal, from its page, the data in it or its report', async () => {
  const report = reportOf(hostileRun);
  const html = await pageOf(hostileRun, report);
  expect(html).not.toMatch(acting);
  expect(html).toContain(`headline &lt;/script>&lt;script>globalThis.broken=1&lt;/script> ${escapesShown}`);
  const lines = inflateSync(Buffer.from(await dataOf(hostileRun, report, guideOfPage(hostileRun), 1e6), 'base64'))
    .toString()
    .split('\n');
  const texts = lines.flatMap((line) => textsIn(JSON.parse(line)));
  expect(texts.filter((text) => acting.test(text))).toEqual([]);
  expect(texts.some((text) => text.endsWith(`'quotes'${escapesShown}`))).toBe(true);
  const { report: markdown, beside } = reportFiles(report);
  for (const text of [markdown, ...beside.values()]) expect(text).not.toMatch(acting);
  expect(markdown).toContain(String.raw`\u001b\]0;title`);
});

/** Every text in a value. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value ? Object.values(value).flatMap(textsIn) : [];

describe('the data of a page', () => {
  const report = reportOf(run);
  const unpacked = async (room = 1e6) =>
    inflateSync(Buffer.from(await dataOf(run, report, undefined, room), 'base64'))
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);

  test('is an index and a record for each result, in one order', async () => {
    const [index, ...records] = (await unpacked()) as [PageIndex, ...PageRecord[]];
    expect(records).toHaveLength(index.results.length);
    expect(index.results.map(({ id, n, s }) => `${id} ${n} ${s}`)).toEqual([
      'close-order/closes=client 1 ran',
      'close-order/closes=client 2 ran',
      'close-order/closes=server 1 errored',
      'close-order/closes=both 1 unsupported',
    ]);
    expect(index.experiments[0]?.findings[0]?.results).toEqual([0, 1]);
    expect(index.results.map(({ l }) => l)).toEqual(['A', 'B', undefined, undefined]);
    expect(records[1]?.claims).toEqual(['the holder is none']);
    expect(records[1]?.counters).toEqual({ 'counters.client.Tcp.OutRsts': 1 });
    expect(records[2]?.reason).toContain('it threw');
    expect(records[3]?.reason).toBe('no such device; load it');
  });

  test('counts times from the first event of a result, and keeps as many digits as are shown', () => {
    const { index, records } = pageData(run, report, undefined);
    expect(records[0]?.paths.client?.map(({ at, notBefore }) => [at, notBefore])).toEqual([
      [0, undefined],
      [1e6, undefined],
      [3e6, 2e6],
    ]);
    expect(index.results[0]?.f['timeWait.seconds']).toBe(60.1235);
  });

  test('is made smaller, step by step, where there is less room; the index says what is left out', async () => {
    const [whole] = (await unpacked()) as [PageIndex];
    const [index, first] = (await unpacked(10)) as [PageIndex, PageRecord];
    expect(whole.left).toBe('');
    expect(index.left).toBe('Everything but facts');
    expect(first.paths).toEqual({});
    expect(index.results).toEqual(whole.results);
  });
});

test('a run has a page in its folder, unless it has too many results', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lingerlab-page-'));
  try {
    const [first] = run.cells;
    const many = { ...run, cells: Array.from({ length: mostResults + 1 }, () => first!) };
    await savePage(folder, many, reportOf(run));
    expect(await readdir(folder)).toEqual([]);
    await savePage(folder, run, reportOf(run));
    expect(await readdir(folder)).toEqual(['report.html']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
