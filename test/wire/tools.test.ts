import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { TcpOption } from '../../src/tcp/header-options.ts';
import { format, type TcpSegment } from '../../src/tcp/segment.ts';
import { Capture } from '../../src/wire/capture.ts';
import { segments as anySegments, samples } from '../tcp/arbitrary.ts';
import { tcpdump, tshark, withTool } from './tools.ts';

let folder: string | undefined;
afterAll(() => {
  if (folder) rmSync(folder, { recursive: true });
});
const wallNs = 1_800_000_000_123_456_789n;

/** Segments with options that every program knows, one µs and one ns apart. */
function written(name: string, count: number): { file: string; segments: readonly TcpSegment[] } {
  // not before a test needs it: where all are skipped, nothing is cleaned up
  folder ??= mkdtempSync(join(tmpdir(), 'lingerlab-tools-'));
  const file = join(folder, name);
  const known = (option: TcpOption) => option.kind !== 'other' && option.kind !== 'wscale';
  const segments = samples(anySegments, count).map((made): TcpSegment => {
    const ip = made.ip.family === 4 ? { ...made.ip, options: '' } : made.ip;
    // port 1 is nobody's: no program looks into the payload
    return {
      ...made,
      ip,
      flags: made.flags & 0x3f,
      destination: { ...made.destination, port: 1 },
      options: made.options.filter(known),
    };
  });
  const capture = new Capture({ file, wallNs, snap: 65_535, limit: 2 ** 30 });
  for (const [index, each] of segments.entries()) {
    const bytes = format(each);
    capture.room().set(bytes);
    const from = index % 2 ? 'server' : 'client';
    if (index % 10 === 0)
      capture.amend(capture.keepPending(bytes.length, index * 1001, from, 'held'), `held ${index} ms`);
    else capture.keep(bytes.length, index * 1001, from);
  }
  capture.close();
  return { file, segments };
}

withTool('tcpdump', 'tcpdump', () => {
  test('reads each segment as it was written, its checksums right and its time to the nanosecond', () => {
    const { file, segments } = written('tcpdump.pcapng', 400);
    const frames = tcpdump(file);
    expect(frames).toHaveLength(segments.length);
    for (const [index, { time, text }] of frames.entries()) {
      const { source, seq, payload, options } = segments[index]!;
      const ns = wallNs + BigInt(index * 1001);
      expect(time).toBe(`${ns / 10n ** 9n}.${String(ns % 10n ** 9n).padStart(9, '0')}`);
      expect(text).toContain(`${source.address}.${source.port} > `);
      expect(text).toContain('(correct)');
      expect(text).not.toMatch(/\bbad\b/);
      expect(text).toContain(`length ${payload.length}`);
      if (payload.length > 0) expect(text).toContain(`seq ${seq}:${(seq + payload.length) >>> 0}`);
      for (const option of options) {
        if (option.kind === 'mss') expect(text).toContain(`mss ${option.value}`);
        if (option.kind === 'timestamps') expect(text).toContain(`TS val ${option.value} ecr ${option.echo}`);
      }
    }
  });
});

withTool('tshark', 'tshark', () => {
  test('reads what the wire did as the comment of each frame', () => {
    const { file, segments } = written('tshark.pcapng', 60);
    const frames = tshark(file, 'frame.number', 'frame.comment', 'frame.packet_flags_direction', 'tcp.seq_raw');
    expect(frames).toHaveLength(segments.length);
    for (const [index, [number, comment, direction, seq]] of frames.entries()) {
      expect(number).toBe(String(index + 1));
      expect(comment).toMatch(index % 10 === 0 ? /^held \d+ ms$/ : /^carried$/);
      // pcapng: 1 inbound, 2 outbound
      expect(Number(direction)).toBe(index % 2 ? 1 : 2);
      expect(seq).toBe(String(segments[index]!.seq));
    }
  });
});
