import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { format } from '../../src/tcp/segment.ts';
import { Capture, type CaptureOptions } from '../../src/wire/capture.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { keptOf } from '../../src/wire/shorten.ts';

const folder = mkdtempSync(join(tmpdir(), 'lingerlab-capture-'));
afterAll(() => rmSync(folder, { recursive: true }));

const wallNs = 1_800_000_000_123_456_789n;
let files = 0;
function capture(options: Partial<CaptureOptions> = {}) {
  const file = join(folder, `${++files}.pcapng`);
  const made = new Capture({ file, wallNs, snap: 65_535, limit: 2 ** 30, ...options });
  const put = (byte: number, length = 100) => made.room().fill(byte, 0, length);
  return { made, put, read: () => readPcapng(readFileSync(file)) };
}

test('what was carried is in the file with its number, time and end', () => {
  const { made, put, read } = capture();
  put(1);
  expect(made.keep(100, 0, 'client')).toBe(1);
  put(2, 1500);
  // carries from the low half of the time into the high one
  expect(made.keep(1500, 90_000_000_000_001, 'server')).toBe(2);
  expect(made.emit(Uint8Array.of(7, 7), 90_000_000_000_002, 'client', 'forged')).toBe(3);
  made.close();
  const { packets, interfaces } = read();
  expect(interfaces.map(({ name }) => name)).toEqual(['wire']);
  expect(packets.map(({ comment, original, wallNs: at }) => [comment, original, at - wallNs])).toEqual([
    ['carried', 100, 0n],
    ['carried', 1500, 90_000_000_000_001n],
    ['forged', 2, 90_000_000_000_002n],
  ]);
  expect(packets.map(({ direction, emitted }) => [direction, emitted])).toEqual([
    ['outbound', false],
    ['inbound', false],
    ['outbound', true],
  ]);
  expect(packets[1]!.bytes.every((byte) => byte === 2)).toBe(true);
});

describe('what became of a packet that waited', () => {
  test.each([
    ['before the file has it', 0],
    ['when the file has it', 1],
    ['when memory has forgotten it', 100],
  ])('is told %s', (_title, between) => {
    const { made, put, read } = capture({ chunks: 2, chunkBytes: 100_000 });
    put(1);
    const pending = made.keepPending(100, 5, 'client', 'held');
    expect(pending.n).toBe(1);
    for (let count = 0; count < between; count++) {
      put(2, 60_000);
      made.keep(60_000, 6, 'server');
      made.flush();
    }
    made.amend(pending, 'held 412 ms');
    made.close();
    const { packets, torn } = read();
    expect(torn).toBe(0);
    expect(packets).toHaveLength(1 + between);
    expect(packets[0]!.comment).toBe('held 412 ms');
    expect(packets.slice(1).every(({ comment }) => comment === 'carried')).toBe(true);
  });
});

test('memory has the latest packets, the file all', () => {
  const { made, put, read } = capture({ chunks: 3, chunkBytes: 140_000 });
  for (let count = 1; count <= 20; count++) {
    put(count, 30_000);
    made.keep(30_000, count, count % 2 ? 'client' : 'server');
  }
  const numbers = [...made.entries()].map(({ n }) => n);
  expect(numbers.length).toBeGreaterThan(3);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 21 - numbers.length + index));
  expect(made.find(20)).toMatchObject({ n: 20, t: 20, from: 'server', emitted: false });
  expect(made.find(20)!.packet.bytes[0]).toBe(20);
  expect([...made.entries(19)].map(({ n }) => n)).toEqual([19, 20]);
  expect(made.find(1)).toBeUndefined();
  expect(made.find(21)).toBeUndefined();
  made.close();
  expect(read().packets.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

test('beyond its snap length a packet is cut, which is counted', () => {
  const { made, put, read } = capture({ snap: 64 });
  for (const length of [64, 65, 1500]) {
    put(3, length);
    made.keep(length, 1, 'client');
  }
  expect(made.count).toMatchObject({ packets: 3, cut: 2 });
  made.close();
  expect(read().packets.map(({ bytes, original }) => [bytes.length, original])).toEqual([
    [64, 64],
    [64, 65],
    [64, 1500],
  ]);
});

test('beyond its limit a file has headers only', () => {
  const { made, put, read } = capture({ limit: 100_000, chunkBytes: 100_000 });
  for (let count = 0; count < 8; count++) {
    put(1, 30_000);
    made.keep(30_000, 1, 'client');
  }
  made.close();
  const lengths = read().packets.map(({ bytes }) => bytes.length);
  expect(lengths[0]).toBe(30_000);
  expect(lengths.at(-1)).toBe(128);
  expect(made.count.cut).toBe(lengths.filter((length) => length === 128).length);
});

describe('bulk data in a file', () => {
  /** A segment of IPv4 with timestamps, 52 bytes of headers, and so much payload. */
  const bytesOf = (payload: number) =>
    format({
      kind: 'tcp',
      ip: { family: 4, hops: 64, trafficClass: 0, identification: 0, dontFragment: true, options: '' },
      source: { address: '10.77.0.1', port: 4242 },
      destination: { address: '10.77.0.2', port: 80 },
      seq: 1,
      ack: 1,
      flags: 16,
      window: 502,
      urgent: 0,
      options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'timestamps', value: 1, echo: 2 }],
      payload: new Uint8Array(payload).fill(7),
      intact: true,
    });
  const wholeLength = bytesOf(1000).length;

  test('is cut to its headers and 128 bytes of payload once the file is long, where no rule decided', () => {
    const { made, read } = capture({ wholeUpTo: 30_000, chunkBytes: 100_000 });
    const fill = (payload: number) => {
      const bytes = bytesOf(payload);
      made.room().set(bytes);
      return bytes.length;
    };
    for (let count = 0; count < 20; count++) made.keep(fill(1000), count, 'client');
    made.flush();
    // written late, into a chunk that was moved together
    for (let count = 0; count < 20; count++) made.keep(fill(1001), count, 'server');
    const pending = made.keepPending(fill(1000), 1, 'client', 'held (rule 1), and still is');
    made.keepAs(fill(1000), 2, 'client', 'dropped (rule 1)');
    made.emit(bytesOf(1000), 3, 'server', 'forged');
    made.keep(fill(100), 4, 'client');
    made.flush();
    made.amend(pending, 'held 5.000 ms (rule 1)');
    made.close();
    const { packets, torn } = read();
    expect(torn).toBe(0);
    expect(packets.map(({ comment }) => comment).slice(40)).toEqual([
      'held 5.000 ms (rule 1)',
      'dropped (rule 1)',
      'forged',
      'carried',
    ]);
    const lengths = packets.map(({ bytes, original }) => [bytes.length, original]);
    expect(lengths.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => [wholeLength, wholeLength]));
    expect(lengths.slice(20, 40)).toEqual(Array.from({ length: 20 }, () => [52 + 128, wholeLength + 1]));
    expect(lengths.slice(40)).toEqual([...Array.from({ length: 3 }, () => [wholeLength, wholeLength]), [152, 152]]);
    // no fault: memory has them whole, to be replayed
    expect(made.count).toMatchObject({ cut: 0, shortened: 20 });
    expect(made.find(21)!.packet.bytes.length).toBe(wholeLength + 1);
  });

  test('of what is no TCP is kept', () => {
    const datagram = Uint8Array.from(bytesOf(1000));
    expect(keptOf(datagram)).toBe(180);
    datagram[9] = 17;
    expect(keptOf(datagram)).toBe(datagram.length);
    expect(keptOf(new Uint8Array())).toBe(0);
    expect(keptOf(Uint8Array.of(0x45))).toBe(1);
  });
});

test('a file that cannot be written ends the capture, not the wire', () => {
  const { made } = capture({ file: '/dev/full' });
  expect(made.count.fileError).toContain('ENOSPC');
  made.room();
  expect(made.keep(10, 1, 'client')).toBe(1);
  made.close();
  expect([...made.entries()]).toHaveLength(1);
});
