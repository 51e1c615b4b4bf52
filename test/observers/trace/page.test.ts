import { describe, expect, test } from 'vitest';
import { TraceError } from '../../../src/observers/trace/format.ts';
import { decodePage, layout64, parseHeaderPage } from '../../../src/observers/trace/page.ts';
import { kernels, readsOf, readText, scenesOf } from './captures.ts';

const start = 1_000_000n;
/** Words of 32 bits, after a page's header. */
const pageOf = (
  words: readonly number[],
  { commit = words.length * 4, after = [] as readonly number[], timestamp = start } = {},
) => {
  const data = new DataView(new ArrayBuffer(16 + (words.length + after.length) * 4));
  data.setBigUint64(0, timestamp, true);
  data.setUint32(8, commit, true);
  for (const [index, word] of [...words, ...after].entries()) data.setUint32(16 + index * 4, word, true);
  return new Uint8Array(data.buffer);
};
const head = (type: number, delta: number): number => ((delta << 5) | type) >>> 0;
const small = (delta: number, ...words: number[]) => [head(words.length, delta), ...words];
const large = (delta: number, bytes: number) => [head(0, delta), bytes + 4, ...Array(bytes / 4).fill(7)];
const times = (words: readonly number[]) => decodePage(pageOf(words)).records.map(({ t }) => t - start);
const mebi = 2 ** 27;

describe('the records of a page', () => {
  test('have the time of the page and of all deltas so far', () => {
    expect(times([...small(0, 1), ...small(5, 1, 2), ...small(2 ** 27 - 1, 1)])).toEqual([0n, 5n, 134_217_732n]);
  });

  test('have their place and size, short and long', () => {
    const { records } = decodePage(pageOf([...small(0, 1, 2), ...large(1, 120), ...small(1, 3)]));
    expect(records.map(({ offset, size }) => [offset, size])).toEqual([
      [20, 8],
      [36, 120],
      [160, 4],
    ]);
    expect(records[2]!.data.getUint32(160, true)).toBe(3);
  });

  test('are found in a page that lies anywhere in a larger buffer', () => {
    const page = pageOf(small(3, 42));
    const buffer = new Uint8Array(page.length + 8);
    buffer.set(page, 5);
    const [record] = decodePage(buffer.subarray(5, 5 + page.length)).records;
    expect(record!.data.getUint32(record!.offset, true)).toBe(42);
  });

  test('come later by a time extension, of more bits than a number holds', () => {
    expect(times([head(30, 7), 3, ...small(1, 1)])).toEqual([BigInt(3 * mebi) + 8n]);
    expect(times([head(30, 1), 0xffff_ffff, ...small(1, 1)])).toEqual([(0xffff_ffffn << 27n) + 2n]);
  });

  test('have an absolute time after an absolute timestamp', () => {
    const { records } = decodePage(pageOf([...small(9, 1), head(31, 7), 3, ...small(2, 1)]));
    expect(records.map(({ t }) => t)).toEqual([start + 9n, BigInt(3 * mebi) + 9n]);
  });

  test('keep the high bits that an absolute timestamp lacks, also where its low bits have wrapped', () => {
    const high = 17n << 59n;
    const after = [head(31, 7), 3, ...small(0, 1)];
    expect(decodePage(pageOf(after, { timestamp: high + 1n })).records[0]!.t).toBe(high + BigInt(3 * mebi) + 7n);
    const wrapped = high + (1n << 58n);
    expect(decodePage(pageOf(after, { timestamp: wrapped })).records[0]!.t).toBe((18n << 59n) + BigInt(3 * mebi) + 7n);
  });

  test('leave out a discarded one but not its time', () => {
    expect(times([head(29, 4), 8, 0, ...small(1, 1)])).toEqual([5n]);
  });

  test('end where padding fills the rest', () => {
    const page = decodePage(pageOf([...small(1, 1), head(29, 0), 0xdead_beef, 5]));
    expect(page.records.length).toBe(1);
    expect(page).not.toHaveProperty('damage');
  });

  test('end with what was committed, whatever follows', () => {
    const { records, damage } = decodePage(pageOf(small(1, 1), { after: small(1, 1) }));
    expect([records.length, damage]).toEqual([1, undefined]);
    expect(decodePage(pageOf([], { after: [0xffff_ffff] }))).toEqual({ records: [], missed: 0 });
  });
});

describe('lost events', () => {
  const missedFlag = 2 ** 31;
  const storedFlag = 2 ** 30;

  test('are counted behind the records', () => {
    expect(decodePage(pageOf(small(1, 1), { commit: 8 + missedFlag + storedFlag, after: [1512, 0] }))).toMatchObject({
      missed: 1512,
      records: [{ size: 4 }],
    });
  });

  test('are uncounted where the page had no room, or was read short', () => {
    expect(decodePage(pageOf(small(1, 1), { commit: 8 + missedFlag })).missed).toBe('uncounted');
    expect(decodePage(pageOf(small(1, 1), { commit: 8 + missedFlag + storedFlag, after: [1] })).missed).toBe(
      'uncounted',
    );
  });

  test('are none without the flag', () => {
    expect(decodePage(pageOf(small(1, 1), { commit: 8 + storedFlag, after: [5, 0] })).missed).toBe(0);
  });
});

describe('what is damaged is said, and what is before it is kept', () => {
  test.each([
    ['a record longer than its page', [head(20, 1), 1], 'a record is longer than its page'],
    ['a long record longer than its page', [head(0, 1), 400], 'a record is longer than its page'],
    ['a long record of less than its length', [head(0, 1), 0], 'a record is longer than its page'],
    ['a long record without its length', [head(0, 1)], 'a record is cut off'],
    ['a time extension without its time', [head(30, 1)], 'a record is cut off'],
    ['a discarded record beyond its page', [head(29, 1), 0xffff_fff0], 'a record is longer than its page'],
  ])('%s', (_, words, damage) => {
    expect(decodePage(pageOf([...small(1, 1), ...words]))).toMatchObject({ records: [{ size: 4 }], damage });
  });

  test('a read shorter than what was committed', () => {
    expect(decodePage(pageOf(small(1, 1), { commit: 400 }))).toMatchObject({
      records: [{ size: 4 }],
      damage: 'cut short',
    });
    expect(decodePage(new Uint8Array(15))).toEqual({ records: [], missed: 0, damage: 'shorter than its header' });
  });

  test('a committed length that ends within a word', () => {
    expect(decodePage(pageOf(small(1, 1), { commit: 9, after: [0] })).damage).toBe('a record is cut off');
  });

  test('random bytes never throw, and records stay within their page', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed;
    };
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: random() % 200 }, () => random() % 256);
      if (bytes.length > 11 && round % 2) bytes.set([bytes.length - 16, 0, 0, 0], 8);
      for (const { offset, size } of decodePage(bytes).records) expect(offset + size).toBeLessThanOrEqual(bytes.length);
    }
  });
});

describe.each(kernels)('%s', (kernel) => {
  test('the header is where 64-bit kernels have it', () => {
    expect(parseHeaderPage(readText(kernel, 'formats/header_page.txt'))).toEqual(layout64);
  });

  test.each(scenesOf(kernel))('%s: all pages are whole, times never go back', (scene) => {
    for (const { pages } of readsOf(kernel, scene)) {
      const decoded = pages.map((page) => decodePage(page));
      const stamps = decoded.flatMap(({ records }) => records.map(({ t }) => t));
      expect(stamps.length).toBeGreaterThan(0);
      expect(stamps.every((t, index) => index === 0 || t >= stamps[index - 1]!)).toBe(true);
      expect(decoded.map(({ damage }) => damage)).toEqual(decoded.map(() => undefined));
    }
  });

  test('gaps longer than a delta holds are there', () => {
    const gaps = readsOf(kernel, 'retransmits').flatMap(({ pages }) =>
      pages.flatMap((page) => {
        const { records } = decodePage(page);
        return records.slice(1).map(({ t }, index) => t - records[index]!.t);
      }),
    );
    expect(gaps.filter((gap) => gap > 134_217_728n).length).toBeGreaterThan(3);
  });

  test('a page cut off anywhere gives the records before the cut', () => {
    const page = readsOf(kernel, 'resets')[0]!.pages[0]!;
    const whole = decodePage(page).records.map(({ t, offset, size }) => ({ t, offset, size }));
    for (let length = 0; length < page.length; length += 3) {
      const { records, damage } = decodePage(page.subarray(0, length));
      expect(records.map(({ t, offset, size }) => ({ t, offset, size }))).toEqual(whole.slice(0, records.length));
      expect(damage === undefined).toBe(
        records.length === whole.length && length >= whole.at(-1)!.offset + whole.at(-1)!.size,
      );
    }
  });
});

test.each(['', '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n'])(
  'what is no header is refused: %j',
  (text) => {
    expect(() => parseHeaderPage(text)).toThrow(TraceError);
  },
);

test('a 32-bit kernel is refused', () => {
  const text =
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:4;\tsigned:1;\n' +
    '\tfield: char data;\toffset:12;\tsize:4084;\tsigned:0;\n';
  expect(() => parseHeaderPage(text)).toThrow(/4 bytes/);
});
