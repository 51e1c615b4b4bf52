import { beforeAll, describe, expect, test } from 'vitest';
import { pageData } from '../../src/page/data.ts';
import { guideOfPage } from '../../src/page/guide.ts';
import { pageOf } from '../../src/page/save.ts';
import type { StatementRecord } from '../../src/record/schema.ts';
import { reportOf } from '../../src/report/model/report.ts';
import { cellOf, experimentOf, runOf } from '../report/fixture.ts';

const statement = (over: Partial<StatementRecord> & { readonly id: string }): StatementRecord => ({
  about: [{ name: 'closing order', kind: 'measured' }],
  claim: 'first-waits',
  number: '2 of 2',
  text: 'The end that closes first keeps TIME-WAIT.',
  held: 2,
  of: 2,
  cells: [{ id: 'close-order/closes=client', repeats: [1, 2] }],
  ...over,
});

const runWith = (guide: StatementRecord[] | undefined) =>
  runOf(
    [experimentOf({ id: 'close-order', factors: { closes: ['client', 'server'] }, ...(guide && { guide }) })],
    [
      cellOf('close-order', { closes: 'client' }, { 'timeWait.holder': 'client' }),
      cellOf('close-order', { closes: 'client' }, { 'timeWait.holder': 'client' }, { repeat: 2 }),
      cellOf('close-order', { closes: 'server' }, { 'timeWait.holder': 'none' }),
    ],
    { plan: ['close-order/closes=client', 'close-order/closes=server'] },
  );

const run = runWith([
  statement({
    id: 'first-waits',
    about: [
      { name: 'closing order', kind: 'measured' },
      { name: 'thousands of TIME-WAIT', kind: 'look at' },
    ],
  }),
  statement({
    id: 'server-waits',
    about: [{ name: 'thousands of TIME-WAIT', kind: 'cannot help' }],
    number: '0 of 1',
    text: 'A server keeps TIME-WAIT.',
    held: 0,
    of: 1,
    lacking: 3,
    cells: [{ id: 'close-order/closes=server', repeats: [1] }],
  }),
]);

/** One symptom or knob of a page's guide. */
const sectionOf = (html: string, id: string): string =>
  new RegExp(`<details class="topic" id="${id}">.*?</details>`, 's').exec(html)?.[0] ?? '';

/** What a reader sees of it, in one line. */
const textOf = (html: string): string =>
  html
    .replace(/<span class="nb">(.*?)<\/span>/g, '$1')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('the guide in the page of a run', () => {
  let html: string;
  beforeAll(async () => {
    html = await pageOf(run);
  }, 60_000);

  test('stands after the index and before the experiments, and the contents lead to it', () => {
    const places = ['id="_index"', 'id="_guide"', 'class="group"', 'id="_run"'].map((part) => html.indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(html).toMatch(/<nav class="rail".*?href="#_guide".*?<\/nav>/s);
  });

  test('has a sentence under each symptom and knob that it is about, with a number that leads to its results', () => {
    const link = '<a class="num" href="#close-order&amp;q=guide:close-order/first-waits">2 of 2</a>';
    for (const id of ['_guide-thousands-of-time-wait', '_guide-closing-order']) {
      expect(sectionOf(html, id)).toContain(link);
      expect(textOf(sectionOf(html, id))).toContain('2 of 2 The end that closes first keeps TIME-WAIT.');
    }
    expect(textOf(sectionOf(html, '_guide-thousands-of-time-wait'))).toContain(
      'What happens 2 of 2 The end that closes first',
    );
  });

  test('says of a sentence that it does not hold, and how many of its cells decide nothing', () => {
    expect(textOf(sectionOf(html, '_guide-thousands-of-time-wait'))).toContain(
      'Cannot help 0 of 1 ✗ A server keeps TIME-WAIT. (differs here: it holds in 0 of 1; of its cells, 3 more did not run or decided nothing)',
    );
    expect(sectionOf(html, '_guide-closing-order')).not.toContain('✗');
  });

  test('has the settings of a knob as a table, with what is typed as code', () => {
    expect(sectionOf(html, '_guide-closing-order')).toMatch(
      /<section class="scroll" tabindex="0" aria-label="Settings of closing order"><table>.*<th scope="row">nginx<\/th><td><code>keepalive_timeout<\/code>/s,
    );
    expect(textOf(sectionOf(html, '_guide-closing-order'))).toContain('no setting sysctl, systemd, Docker, Kubernetes');
  });

  test('names what it has nothing of, and leads nowhere that the page does not have', () => {
    expect(textOf(html)).toMatch(/Nothing was measured in this run of: EADDRINUSE on restart, /);
    expect(sectionOf(html, '_guide-tcp_tw_reuse')).toBe('');
    expect(sectionOf(html, '_guide-thousands-of-time-wait')).toContain('<span>tcp_tw_reuse</span>');
    const targets = [...html.matchAll(/href="#(_[^"&]*)/g)].map(([, target]) => target as string);
    expect(targets).toContain('_guide-closing-order');
    expect(targets.filter((target) => !html.includes(`id="${target}"`))).toEqual([]);
  });

  test('is in the data with the results of each sentence', () => {
    const { index } = pageData(run, reportOf(run), guideOfPage(run));
    expect(index.guide?.sections.map(({ name }) => name)).toEqual(['thousands of TIME-WAIT', 'closing order']);
    expect(index.guide?.said.map(({ id, results }) => [id, results])).toEqual([
      ['close-order/first-waits', [0, 1]],
      ['close-order/server-waits', [2]],
    ]);
    expect(index.guide?.said[1]?.text).toContain('(differs here: it holds in 0 of 1');
  });
});

test.each([
  ['an older version made', undefined],
  ['has no sentence', []],
  [
    'has sentences of what this version does not know',
    [statement({ id: 'a', about: [{ name: 'tcp_x', kind: 'risks' }] })],
  ],
])('the page of a run that %s has no guide, and no link to one', async (_, guide) => {
  const without = runWith(guide);
  const html = await pageOf(without);
  expect(html.match(/(id|href)="#?_\w+/g)).toContain('id="_index');
  expect(html.match(/(id|href)="#?_guide/g)).toBe(null);
  expect(pageData(without, reportOf(without), guideOfPage(without)).index).not.toHaveProperty('guide');
});
