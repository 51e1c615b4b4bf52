import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ack, data, fin, syn } from '../../src/experiment/patterns.ts';
import { readPcapng } from '../../src/wire/pcapng.ts';
import { faults, tcpdump, tshark, withTool } from '../wire/tools.ts';
import { lingerlab, scratch } from './program.ts';
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

    test('has no fault but what was forged on purpose', async () => {
      const capture = join(await scratch(), 'wire.pcapng');
      await using cell = await wiredCell({ settings: { capture } });
      const [near] = await cell.connect(await cell.listen(6));
      const wrong = await cell.wire.inject({
        from: 'client',
        on: near,
        flags: ['ACK'],
        payload: 'x',
        checksum: 'wrong',
      });
      await cell.wire.inject({ from: 'client', on: near, flags: ['RST'] });
      await cell.flush();
      expect(faults(capture)).toEqual([`${wrong} forged`]);
    });
  });
});

onWire('the captures of experiments', () => {
  withTool('tshark', 'read by tshark', () => {
    test('have no malformed packet and no wrong checksum, bulk data that is cut included', {
      timeout: 120_000,
    }, async () => {
      const out = join(await scratch(), 'run');
      const cells = [
        'transfer',
        'lost-last-ack/lost=once,left=TIME-WAIT,second=close,family=6',
        'segments-at-time-wait/arrives=rst,*',
        'simultaneous-close/order=fins-cross,*',
        'old-duplicate/between=linger-0,*bytes=8000000',
      ];
      const { exitCode, stdout } = await lingerlab(['run', ...cells, '--out', out]);
      expect(exitCode, stdout).toBe(0);
      const captures = globSync(join(out, 'cells/**/wire.pcapng'));
      expect(captures.length).toBeGreaterThan(10);
      for (const capture of captures) expect(faults(capture), capture).toEqual([]);
      const longest = captures.toSorted((a, b) => statSync(b).size - statSync(a).size)[0]!;
      const { packets } = readPcapng(readFileSync(longest));
      expect(packets.some(({ bytes, original }) => bytes.length < original)).toBe(true);
      // 8 MB each way at the least: what carries them would be so long
      expect(statSync(longest).size).toBeLessThan(5e6);
      expect(packets.reduce((sum, { original }) => sum + original, 0)).toBeGreaterThan(16e6);
    });
  });
});
