import { describe, expect, test } from 'vitest';
import type { CellRecord } from '../../src/record/schema.ts';
import { ladderSvg } from '../../src/report/ladder-svg.ts';
import { cellOf, path } from './fixture.ts';
import { blackHole, crossingFins, forgedReset, heldFins, lostLastAck, oldDuplicate, wire } from './wire-fixture.ts';

const stories = [lostLastAck, oldDuplicate, heldFins, crossingFins, blackHole, forgedReset];
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
    const places = [...svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)"/g)];
    for (const [, x, y] of places) {
      expect(Number(x)).toBeGreaterThan(0);
      expect(Number(x)).toBeLessThan(Number(width));
      expect(Number(y)).toBeLessThan(Number(height));
    }
  });
  test('times at the axis do not stand on each other', () => {
    const ys = [...svg.matchAll(/<text x="75" y="([\d.]+)"/g)].map(([, y]) => Number(y)).slice(1);
    for (const [index, y] of ys.entries()) if (index > 0) expect(y - (ys[index - 1] ?? 0)).toBeGreaterThanOrEqual(11);
  });
});

test('has the colors of light and of dark pages', () => {
  const svg = ladderSvg(lostLastAck());
  expect(svg).toContain('@media (prefers-color-scheme:dark)');
  expect(svg).toContain('.ladder .paper{fill:#ffffff}');
  expect(svg).toContain('.ladder .paper{fill:#0d1117}');
});

test('says its title, and row by row what happens, to who does not see it', () => {
  const svg = ladderSvg(lostLastAck());
  expect(svg).toContain('<title>Ladder diagram of lost-last-ack/timeWait=kept</title>');
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
    const record = cellOf('x', {}, {}, { segments: [{ ...segment!, options: 'mss 1460,sackOK' }] });
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
