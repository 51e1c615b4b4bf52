import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PageIndex, PageResult } from '../../src/page/parts.ts';
import { cellIn, fitsOf, hashOf, parseQuery, placeOf, searchOf, sectionsIn, targetOf } from '../../src/page/query.ts';

const result = (id: string, over: Partial<PageResult> = {}): PageResult => ({
  e: 0,
  id,
  n: 1,
  s: 'ran',
  l: 'A',
  f: {},
  c: [],
  ev: ['exact'],
  ...over,
});

const index: PageIndex = {
  left: '',
  declarations: [{ type: 'number', unit: 's', compare: 'within' }],
  experiments: [
    {
      id: 'close-order',
      group: 'Closing',
      question: 'Which end keeps TIME-WAIT?',
      headline: 'The end that closes first keeps TIME-WAIT.',
      tags: ['TIME-WAIT', 'EADDRINUSE', 'thousands of TIME-WAIT'],
      factors: { closes: ['client', 'server'] },
      shows: ['timeWait.holder'],
      declared: { 'timeWait.seconds': 0 },
      findings: [{ number: '1 of 1', text: 'the first', results: [1] }],
      claims: [{ id: 'first', text: 'the first closer waits', source: 'RFC', verdict: 'refuted' }],
    },
  ],
  guide: {
    sections: [
      { name: 'EADDRNOTAVAIL on connect', seen: 'a client cannot connect: `Cannot assign requested address`' },
      { name: 'thousands of TIME-WAIT', seen: 'ss shows thousands of sockets in TIME-WAIT.' },
      { name: 'tcp_tw_reuse' },
    ],
    said: [{ id: 'close-order/first-waits', number: '2 of 2', text: 'the first waits', results: [0, 2] }],
  },
  results: [
    result('close-order/closes=client', {
      f: { 'timeWait.holder': 'client', 'timeWait.seconds': 60.5, 'client.errors': [] },
      c: [[0, 'confirmed']],
    }),
    result('close-order/closes=server', {
      f: { 'timeWait.holder': 'none', 'timeWait.seconds': null },
      c: [[0, 'refuted']],
      ev: ['exact', 'sampled'],
      l: 'B',
      roles: { closing: 'server' },
    }),
    result('close-order/closes=server', { n: 2, s: 'errored', w: ['torn-line'], f: { 'server.sawEnd': true } }),
  ],
};
const search = searchOf(index);

test.each([
  ['', [0, 1, 2]],
  ['closes:client', [0]],
  ['closes:client,server', [0, 1, 2]],
  ['-closes:client', [1, 2]],
  ['closes:se', [1, 2]],
  ['fact:timeWait.holder=none', [1]],
  ['fact:timeWait.holder!=none', [0]],
  ['fact:timeWait.seconds>60', [0]],
  ['fact:timeWait.seconds<60', []],
  ['fact:timeWait.seconds=unknown', [1]],
  ['fact:timeWait', [0, 1]],
  ['claim:refuted', [1]],
  ['claim:first', [0, 1]],
  ['evidence:sampled', [1]],
  ['outcome:B', [1]],
  ['status:errored', [2]],
  ['warning:torn-line', [2]],
  ['finding:close-order.1', [1]],
  ['guide:close-order/first-waits', [0, 2]],
  ['guide:close-order/other', []],
  ['exp:close claim:first -claim:refuted', [0]],
  ['group:closing', [0, 1, 2]],
  ['"keeps TIME-WAIT"', [0, 1, 2]],
  ['tag:EADDRINUSE', [0, 1, 2]],
  ['tag:eaddr closes:client', [0]],
  ['-tag:TIME-WAIT', []],
  ['tag:"thousands of"', [0, 1, 2]],
  ['tag:ECONNRESET', []],
  ['nowhere', []],
  ['nofactor:x', []],
])('%s finds %j', (query, found) => {
  expect(search.find(query)).toEqual(found);
});

test('completions say how many results each would leave, and lead to them', () => {
  const offered = search.complete('closes:');
  expect(offered.map(({ token, results }) => [token, results])).toEqual([
    ['closes:server', 2],
    ['closes:client', 1],
  ]);
  for (const { query, results } of offered) expect(search.find(query)).toHaveLength(results);
  expect(search.complete('fact:timeWait.h').map(({ token }) => token)).toContain('fact:timeWait.holder=none');
  expect(search.complete('tag:e').map(({ token, results }) => [token, results])).toEqual([['tag:EADDRINUSE', 3]]);
  expect(search.complete('tag:tho')[0]?.query).toBe('tag:"thousands of TIME-WAIT" ');
  expect(search.complete('closes:client claim:').map(({ token }) => token)).not.toContain('claim:refuted');
});

test('any text is a query', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseQuery(text).every((token) => text.includes(token.text))).toBe(true);
      expect(search.find(text).length).toBeLessThanOrEqual(index.results.length);
      search.complete(text);
    }),
  );
});

describe('a place', () => {
  test('is the same after its address is read', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.record({ target: text, query: text, pin: text, time: text }), (place) => {
        expect(placeOf(hashOf(place))).toEqual(place);
      }),
    );
  });

  test('reads as what it names', () => {
    expect(hashOf({ target: 'close-order/closes=client,by=end/2', query: 'fact:timeWait.seconds>=60' })).toBe(
      '#close-order/closes=client,by=end/2&q=fact:timeWait.seconds>=60',
    );
  });

  test('names a cell and a repeat, or a part of the page', () => {
    expect(cellIn(targetOf('close-order/closes=client', 2))).toEqual({ id: 'close-order/closes=client', repeat: 2 });
    expect(cellIn(targetOf('alone'))).toEqual({ id: 'alone', repeat: undefined });
    expect(cellIn('close-order')).toBeUndefined();
  });
});

test.each([
  ['EADDRNOTAVAIL', ['EADDRNOTAVAIL on connect']],
  ['tcp_tw_reuse', ['tcp_tw_reuse']],
  ['cannot assign "requested address"', ['EADDRNOTAVAIL on connect']],
  ['thousands connect', []],
  ['on', []],
  ['-connect', []],
  ['connect closes:client', []],
])('the query %s names in the guide %o', (query, expected) => {
  expect(sectionsIn(query, index)).toEqual(expected);
  const { guide: _guide, ...without } = index;
  expect(sectionsIn(query, without)).toEqual([]);
});

test.each([
  // in two tags; in the question, the headline and a claim; only in a claim; nowhere
  ['TIME-WAIT', [13, 0, 0]],
  ['time-wait first', [18, 1, 0]],
  ['ports', [0, 12, 0]],
  ['first -TIME-WAIT tag:x', [5, 1, 0]],
  ['exp:close-order', [0, 0, 0]],
  ['', [0, 0, 0]],
])('%s fits the experiments as %j: the one that is about it comes first', (query, fits) => {
  const [order] = index.experiments;
  const of = (id: string, tags: readonly string[], text: string) => ({
    ...(order as NonNullable<typeof order>),
    ...{ id, tags, question: 'Which?', headline: 'None.', findings: [] },
    claims: [{ id: 'one', text, source: 'RFC', verdict: 'confirmed' as const }],
  });
  const several = {
    ...index,
    experiments: [order, of('load-ports', ['ports', 'ports'], 'the first'), of('x', [], '')],
  };
  expect(fitsOf(query, several as PageIndex)).toEqual(fits);
});
