import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../../src/record/schema.ts';
import { ladderSvg } from '../../../src/report/ladder/svg.ts';
import { cellOf, path } from '../fixture.ts';
import { blackHole, crossingFins, forgedReset, heldFins, lostLastAck, oldDuplicate, wire } from '../wire-fixture.ts';
import { anyRecord } from './anything.ts';
import { apart, textsOf } from './svg-texts.ts';

/** Half a letter's height closer, and two lines touch: the text is of 11 px or more. */
const leastApart = 10;

/** Texts that stand on each other. */
function touching(svg: string): string[] {
  const all = textsOf(svg);
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter((other) => apart(one, other) < leastApart)
      .map((other) => `${one.text} | ${other.text}`),
  );
}

/** A reader that stops: the client's close blocks while probes go out; then a router says that there is no way. */
const everythingAtOnce = (): CellRecord =>
  cellOf(
    'everything-at-once',
    { linger: 2 },
    {},
    {
      segments: [
        ...wire(
          [
            'client S 0: @5-30 delayed',
            'server S. 0:1 @31-56 delayed',
            'client . 1:1 @57-82 delayed',
            ...Array.from({ length: 30 }, (_, n) => `client P. ${1 + n * 1448}:1+1448 @${83 + n}-${108 + n} delayed`),
            ...Array.from({ length: 4 }, (_, n) => `server . 1:${1449 + n} @${109 + n}-${310 - n} held`),
            'client F. 43441:1+1448 @111 lost',
            'server F. 1:43441 @112 held',
            'client F. 43441:1+1448 @411-436 delayed',
          ],
          'old',
        ),
        ...wire(['client S 0: @3000-3030'], 'new', 2, 60),
        ...wire(['client P. 4294900000:4294800000+59960 @3100-3100 replay of=9'], 'old', 1, 61),
      ],
      paths: {
        'old.client': path('SYN-SENT 4.9', 'ESTABLISHED 56.1', 'FIN-WAIT-1 110', 'TIME-WAIT 500-600~'),
        'old.server': path('SYN-RECEIVED 82.1', 'ESTABLISHED 82.2', 'CLOSE-WAIT 437', 'LAST-ACK 438', 'CLOSED 439'),
        'new.client': path('SYN-SENT 2999.9', 'CLOSED 3200'),
      },
      incarnations: [
        { incarnation: 1, label: 'old', client: '[fd00:77::1]:40001', server: '[fd00:77::2]:10240' },
        { incarnation: 2, label: 'new', client: '[fd00:77::1]:40001', server: '[fd00:77::2]:10240' },
      ],
      asides: [
        { what: 'close', t: 109.9e6, until: 2109e6, end: 'client', label: 'old', by: 'destroy' },
        { what: 'close', t: 437.9e6, until: 438.1e6, end: 'server', label: 'old', by: 'close(2)' },
        { what: 'read', t: 3101e6, end: 'server', label: 'new', bytes: 59_960, of: 61 },
        {
          what: 'forged',
          t: 3190e6,
          until: 3195e6,
          end: 'server',
          label: '',
          kinds: [{ why: 'truncated' }, { why: 'no-ip' }],
          count: 300,
          of: 70,
        },
        { what: 'unreachable', t: 3199e6, end: 'client', label: 'new', of: 60 },
      ],
    },
  );

const stories = [everythingAtOnce, lostLastAck, oldDuplicate, heldFins, crossingFins, blackHole, forgedReset];
/** The texts that are drawn, with what leads and follows them. */
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => (text ?? '').replace(/<[^>]*>/g, ''));
/** The corners of every arrow. */
const arrows = (svg: string): { x: number; y: number }[][] =>
  [...svg.matchAll(/<path class="arrow" d="([^"]*)"/g)].map(([, d]) =>
    [...(d ?? '').matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) })),
  );
/** An arrow's whole mark, by a text in it. */
const markWith = (svg: string, text: string): string =>
  svg.split('\n').find((line) => line.startsWith('<g') && line.includes(text)) ?? '';

describe.each(stories.map((story) => ({ story, name: story.name })))('$name', ({ story }) => {
  const svg = ladderSvg(story());
  test('is the same each time', () => expect(ladderSvg(story())).toBe(svg));
  test('is well-formed, and needs nothing else: no script, no font, no address but its namespace', () => {
    const open: string[] = [];
    for (const [, slash, name, , self] of svg.matchAll(/<(\/?)([a-z]+)((?:"[^"]*"|[^">])*?)(\/?)>/g)) {
      if (slash) expect(open.pop()).toBe(name);
      else if (!self) open.push(name ?? '');
    }
    expect(open).toEqual([]);
    expect(svg).not.toMatch(/<script|@import|@font-face|url\(|<image|href|NaN|undefined/);
    expect(svg.match(/https?:/g)).toEqual(['http:']);
  });
  test('no arrow rises: nothing goes back in time', () => {
    for (const points of arrows(svg)) {
      for (const [index, { y }] of points.entries()) expect(y).toBeGreaterThanOrEqual(points[index - 1]?.y ?? 0);
    }
    expect(arrows(svg).length).toBeGreaterThan(3);
  });
  test('everything is within its edges', () => {
    const [, width, height] = /viewBox="0 0 (\d+) ([\d.]+)"/.exec(svg) ?? [];
    for (const { text, left, right, y } of textsOf(svg)) {
      expect(left, text).toBeGreaterThanOrEqual(0);
      expect(right, text).toBeLessThanOrEqual(Number(width));
      expect(y, text).toBeLessThan(Number(height));
    }
  });
  test('no text stands on another', () => expect(touching(svg)).toEqual([]));
  test('times at the axis do not stand on each other', () => {
    const ys = [...svg.matchAll(/<text x="75" y="([\d.]+)"/g)].map(([, y]) => Number(y)).slice(1);
    for (const [index, y] of ys.entries()) if (index > 0) expect(y - (ys[index - 1] ?? 0)).toBeGreaterThanOrEqual(11);
  });
});

test('whatever a wire did, no text stands on another or beyond the edge', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const svg = ladderSvg(record);
      expect(touching(svg)).toEqual([]);
      for (const { text, left, right } of textsOf(svg)) {
        expect(left, text).toBeGreaterThanOrEqual(0);
        expect(right, text).toBeLessThanOrEqual(800);
      }
    }),
    { numRuns: 60 },
  );
});

test('what blocks, who read whose bytes, and a router have their words', () => {
  const all = texts(ladderSvg(everythingAtOnce()));
  for (const text of [
    'destroy() blocks',
    'destroy() returns',
    'application read',
    '59,960 of old',
    'ICMP: host unreachable',
  ])
    expect(all).toContain(text);
  expect(all.join(' ')).toContain('again [fd00:77::1]:40001 → [fd00:77::2]:10240, the same four numbers');
  expect(ladderSvg(everythingAtOnce())).toContain('class="blocked"');
});

test('texts that stand on each other, or beyond the edge, are found', () => {
  const at = (x: number, y: number, more = ''): string => `<text x="${x}" y="${y}"${more}>some text</text>`;
  const [one, below, beside] = textsOf(at(10, 20) + at(12, 26) + at(200, 20, ' text-anchor="end"'));
  expect(apart(one!, below!)).toBe(6);
  expect(apart(one!, beside!)).toBe(Number.POSITIVE_INFINITY);
  const [turned] = textsOf(at(10, 10, ' transform="rotate(20 10 10)"'));
  expect(apart(one!, turned!)).toBe(0);
});

test('has the colors of light and of dark pages', () => {
  const svg = ladderSvg(lostLastAck());
  expect(svg).toContain('@media (prefers-color-scheme:dark)');
  expect(svg).toContain('.ladder .paper{fill:#ffffff}');
  expect(svg).toContain('.ladder .paper{fill:#0d1117}');
});

test('says its title, and row by row what happens, to who does not see it', () => {
  const svg = ladderSvg(lostLastAck());
  expect(svg).toContain('<title>Sequence diagram of lost-last-ack/timeWait=kept</title>');
  const [, description] = /<desc>(.*)<\/desc>/.exec(svg) ?? [];
  expect(description).toContain(
    'The client sends ACK seq 2 ack 2 at +23.2 ms, lost: dropped by the wire. 207 ms later. The server sends FIN ACK seq 1 ack 2 (again) at +229.66 ms.',
  );
});

test('every state has its name and time beside its band', () => {
  const all = texts(ladderSvg(lostLastAck()));
  for (const state of ['SYN-SENT', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', 'CLOSE-WAIT', 'LAST-ACK']) {
    expect(all).toContain(state);
  }
  expect(all.slice(all.indexOf('TIME-WAIT'), all.indexOf('TIME-WAIT') + 3)).toEqual([
    'TIME-WAIT',
    '+23.0 ms',
    'to +23.1 ms',
  ]);
});

describe('what the wire did', () => {
  const middle = /<path class="line dots" d="M([\d.]+)/.exec(ladderSvg(lostLastAck()))?.[1];
  test('a lost one ends half way in a cross that says so', () => {
    const mark = markWith(ladderSvg(lostLastAck()), 'lost: dropped by the wire');
    expect(mark).toMatch(/^<g class="ACK lost">/);
    expect(mark).toContain('class="mark"');
    expect(mark).not.toContain('class="head"');
    expect(arrows(mark)[0]?.at(-1)?.x).toBe(Number(middle));
  });
  test('a held one bends', () => {
    const [held] = arrows(markWith(ladderSvg(heldFins()), 'held for 200 ms'));
    expect(held).toHaveLength(4);
    expect(held?.[1]?.x).toBe(held?.[2]?.x);
  });
  test('a forged one is dashed from the middle, to the end that it came to', () => {
    const mark = markWith(ladderSvg(forgedReset()), 'forged by the wire');
    expect(mark).toMatch(/^<g class="RST own">/);
    expect(arrows(mark)[0]?.[0]?.x).toBe(Number(middle));
    expect(mark).toContain('class="head"');
  });
  test('pointing at a segment shows all that the record has of it', () => {
    const [segment] = wire(['client S 0: @1-1.05 n=7']);
    const record = cellOf(
      'x',
      {},
      {},
      { segments: [{ ...segment!, options: [{ kind: 'mss', value: 1460 }, { kind: 'sackOK' }] }] },
    );
    expect(ladderSvg(record)).toContain(
      '<title>SYN seq 0, window 502, mss 1460,sackOK, sent 0 ms, arrived +50.0 µs, carried, number 7 of the capture</title>',
    );
  });
});

test('a long id takes several lines, and text is text, not markup', () => {
  const id = `x/${Array.from({ length: 12 }, (_, n) => `factor${n}=<value&${n}>`).join(',')}`;
  const record: CellRecord = { ...lostLastAck(), id };
  const svg = ladderSvg(record);
  expect(texts(svg).slice(0, 3).join('')).toBe(
    id.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  );
});

test('a record with states alone is drawn, and one with nothing, too', () => {
  expect(texts(ladderSvg(cellOf('x', {}, {}, { paths: { client: path('SYN-SENT 1', 'CLOSED 2') } })))).toContain(
    'SYN-SENT',
  );
  expect(ladderSvg(cellOf('x', {}, {}))).toContain('</svg>');
});

describe('bytes of another connection that an application read', () => {
  const svg = ladderSvg(everythingAtOnce());
  test('stand out, at their own time, with a mark on the states of their end', () => {
    const lines = [...svg.matchAll(/<text[^>]*class="state alarm halo"[^>]*>([^<]*)/g)].map(([, text]) => text);
    expect(lines).toEqual(['application read', expect.stringMatching(/^new · /), '59,960 bytes,', '59,960 of old']);
    const [, y = ''] = /<path class="alarm" d="M[\d.]+ ([\d.]+)/.exec(svg) ?? [];
    expect(svg).toMatch(new RegExp(`<path class="line" d="M[\\d.]+ ${y.replace('.', '\\.')}h8"/>`));
  });
  test('that an end read of its own connection do not', () => {
    const record = everythingAtOnce();
    const asides = (record.asides ?? []).map((aside) => {
      if (aside.what !== 'read') return aside;
      const { of: _, ...read } = aside;
      return read;
    });
    expect(ladderSvg({ ...record, asides })).not.toContain('class="alarm"');
  });
  test('have a number in each connection: the legend tells both', () => {
    expect(svg).toMatch(/own first: old's seq 7241 is seq -67296 in new's\./);
    expect(ladderSvg(lostLastAck())).not.toContain('own first');
  });
});
