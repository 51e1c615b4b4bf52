import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ack, data, fin, syn } from '../../src/wire/patterns.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { tcpdump, tshark, withTool } from '../wire/tools.ts';
import { scratch } from './program.ts';
import { found, onWire, wiredCell } from './wire-cell.ts';

/** A connection whose first SYN is dropped, whose data comes twice, whose FIN is held, and a forged reset at the end. */
async function played(): Promise<string> {
  const capture = join(await scratch(), 'wire.pcapng');
  await using cell = await wiredCell({ settings: { capture, wallNs: '1800000000000000000' } });
  await cell.wire.drop(syn, { times: 1 });
  await cell.wire.duplicate(data, { times: 1 });
  const [near, far] = await cell.connect(await cell.listen(4));
  await near.ask('write', { bytes: 300 });
  await far.ask('received', { bytes: 300 });
  const held = await cell.wire.hold(fin, { times: 1 });
  await near.ask('close', { by: 'end' });
  await cell.wire.seen(fin);
  await held.release();
  await far.ask('saw', { event: 'end' });
  await cell.wire.seen(ack.from('server').withAck(302));
  await cell.wire.inject({ from: 'client', on: near, flags: ['RST'] });
  // net reads no more after the end of the stream: it does not notice
  await found('the reset', async () => ((await far.ask('info', {})).state === 'CLOSED' ? true : undefined));
  await cell.flush();
  return capture;
}

onWire('the capture of a cell', () => {
  test('has every frame with its deed', async () => {
    const { packets, torn, comment } = readPcapng(readFileSync(await played()));
    expect(torn).toBe(0);
    expect(comment).toContain('1800000000000000000');
    const deeds = packets.map((packet) => packet.comment.replace(/\d+\.\d+ ms/, 'N ms').replace(/#\d+/, '#N'));
    expect(deeds[0]).toBe('dropped (rule 1)');
    for (const deed of ['duplicate of #N (rule 2)', 'held N ms (rule 3)', 'forged']) expect(deeds).toContain(deed);
    expect(deeds.filter((deed) => deed === 'carried').length).toBeGreaterThan(4);
    for (const { emitted, comment: deed } of packets) expect(emitted).toBe(/^(duplicate|forged)/.test(deed));
  });

  withTool('tcpdump', 'read by tcpdump', () => {
    test('is the connection that was played, checksums right, times in ns', async () => {
      const frames = tcpdump(await played());
      expect(frames[0]!.text).toContain('Flags [S]');
      expect(frames[1]!.text).toContain('Flags [S]');
      expect(frames.some(({ text }) => text.includes('Flags [F.]'))).toBe(true);
      expect(frames.at(-1)!.text).toContain('Flags [R]');
      expect(frames.every(({ text }) => text.includes('(correct)'))).toBe(true);
      // the SYN's timer is 1 s: the times are those of the one clock, on the wall clock's
      const between = Number(frames[1]!.time) - Number(frames[0]!.time);
      expect(between).toBeGreaterThan(0.99);
      expect(Number(frames[0]!.time)).toBeGreaterThan(1_800_000_000);
      expect(frames[0]!.time).toMatch(/\.\d{9}$/);
    });
  });

  withTool('tshark', 'read by tshark', () => {
    test('has the wire’s deeds as comments of its frames', async () => {
      const frames = tshark(await played(), 'frame.number', 'frame.comment', 'tcp.flags.str', 'tcp.checksum.status');
      const comments = frames.map(([, comment]) => comment!);
      expect(comments[0]).toBe('dropped (rule 1)');
      const copy = comments.find((comment) => comment.startsWith('duplicate'))!;
      const original = frames[Number(/#(\d+)/.exec(copy)![1]) - 1]!;
      expect(original[1]).toBe('carried');
      expect(comments.find((comment) => comment.startsWith('held'))).toMatch(/^held \d+\.\d{3} ms \(rule 3\)$/);
      expect(comments.at(-1)).toBe('forged');
      expect(frames.at(-1)![2]).toContain('R');
    });
  });
});
