import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ack, data, fin, rst, syn, synAck, tcp } from '../../src/experiment/patterns.ts';
import type { WireEvent } from '../../src/record/event.ts';
import { deedText } from '../../src/wire/say.ts';
import { fallingBehind } from '../../src/wire/statistics.ts';
import { found, onWire, type WiredCell, wiredCell } from './wire-cell.ts';

/** Texts of the segments that were told, with what became of them. */
const told = ({ events }: WiredCell): string[] =>
  events.flatMap((event) =>
    event.kind === 'segment' ? `${event.from} ${event.segment?.flags.join(',')}: ${deedText(event.deed)}` : [],
  );

onWire('the wire', () => {
  test.each([4, 6] as const)('carries a connection of two peers over IPv%i, and sees each segment', async (family) => {
    await using cell = await wiredCell({ settings: { telling: 'all' } });
    const [near, far] = await cell.connect(await cell.listen(family));
    await near.ask('write', { bytes: 5000 });
    await far.ask('received', { bytes: 5000 });
    await near.ask('close', { by: 'end' });
    await far.ask('saw', { event: 'end' });
    await far.ask('close', { by: 'end' });
    await near.ask('saw', { event: 'close' });
    await cell.wire.seen(ack.from('client'), { after: await cell.wire.seen(fin.from('server')) });
    await cell.flush();
    const segments = cell.events.filter((event): event is WireEvent => event.kind === 'segment');
    expect(segments.every(({ segment, deed }) => segment?.intact && deed.do === 'carried')).toBe(true);
    const opening = segments.slice(0, 3).map(({ segment }) => [segment!.flags.join(), segment!.seq, segment!.ack]);
    expect(opening).toEqual([
      ['SYN', 0, undefined],
      ['SYN,ACK', 0, 1],
      ['ACK', 1, 1],
    ]);
    const sent = segments.filter(({ from }) => from === 'client').reduce((sum, { segment }) => sum + segment!.bytes, 0);
    expect(sent).toBe(5000);
    const fins = segments.filter(({ segment }) => segment!.flags.includes('FIN'));
    expect(fins.map(({ from, segment }) => [from, segment!.seq])).toEqual([
      ['client', 5001],
      ['server', 1],
    ]);
    const { carried, txDropped, refused, faults } = await cell.wire.statistics();
    expect(carried.client + carried.server).toBe(segments.length);
    expect([txDropped, refused, faults]).toEqual([{ client: 0, server: 0 }, {}, []]);
  });

  test('drops the first SYN, which is sent again when its timer is over', async () => {
    await using cell = await wiredCell();
    await cell.wire.drop(syn, { times: 1 });
    await cell.connect(await cell.listen(4));
    await cell.flush();
    expect(told(cell).slice(0, 3)).toEqual([
      'client SYN: dropped (rule 1)',
      'client SYN: carried',
      'server SYN,ACK: carried',
    ]);
    const [first, second] = cell.events as readonly WireEvent[];
    // RFC 6298 §2: 1 s; Linux's TCP_TIMEOUT_INIT; the timer wheel adds up to a tick or two, a busy machine more
    expect((second!.t - first!.t) / 1e9).toBeGreaterThan(0.99);
    expect((second!.t - first!.t) / 1e9).toBeLessThan(1.5);
    expect(second!.segment!.absolute).toEqual(first!.segment!.absolute);
  });

  test('holds a FIN until it is released, and says for how long', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(4));
    const held = await cell.wire.hold(fin.from('client').on(near));
    await near.ask('close', { by: 'end' });
    const first = await cell.wire.seen(fin.from('client'));
    // its retransmission is held, too: what the peer gets comes from the release alone
    await cell.wire.seen(fin.from('client'), { after: first });
    expect((await far.ask('info', {})).state).toBe('ESTABLISHED');
    await held.lift();
    expect(await held.release()).toBeGreaterThanOrEqual(2);
    await far.ask('saw', { event: 'end' });
    expect((await far.ask('info', {})).state).toBe('CLOSE-WAIT');
    await cell.flush();
    const deed = cell.events.find((event) => event.kind === 'deed' && event.n === first.n);
    expect(deed!.deed).toMatchObject({ do: 'held', rule: 1 });
    const heldMs = ('heldNs' in deed!.deed ? (deed!.deed.heldNs ?? 0) : 0) / 1e6;
    expect(heldMs).toBeCloseTo((deed!.t - first.t) / 1e6, 2);
    expect(heldMs).toBeGreaterThan(150);
  });

  test('delays by what it says, to a fraction of a millisecond, and says how late it was', async () => {
    await using cell = await wiredCell({ settings: { telling: 'all' } });
    const [near, far] = await cell.connect(await cell.listen(4));
    await cell.wire.delay(data.from('client'), 7.5);
    for (let count = 1; count <= 20; count++) {
      await near.ask('write', { bytes: 100 });
      await far.ask('received', { bytes: 100 * count });
    }
    await cell.flush();
    const deeds = cell.events.flatMap((event) =>
      event.kind === 'deed' && event.deed.do === 'delayed' ? (event.deed.heldNs ?? 0) / 1e6 : [],
    );
    expect(deeds).toHaveLength(20);
    expect(Math.min(...deeds)).toBeGreaterThanOrEqual(7.5);
    // on a busy machine most are later, and said to be; a timer of whole milliseconds would not be before 8 ms once
    expect(Math.min(...deeds)).toBeLessThan(8);
    const { latestMs } = await cell.wire.statistics();
    expect(latestMs).toBeGreaterThan(0);
    expect(latestMs).toBeLessThanOrEqual(Math.max(...deeds) - 7.5);
  });

  test('duplicates, which the receiver answers and does not deliver twice', async () => {
    await using cell = await wiredCell({ settings: { telling: 'all' } });
    const [near, far] = await cell.connect(await cell.listen(4));
    await cell.wire.duplicate(data.from('client'), { copies: 2, everyMs: 1 });
    await near.ask('write', { bytes: 300 });
    const original = await cell.wire.seen(data.from('client'));
    const third = await cell.wire.seen(ack.from('server').withOption('sack').nth(2));
    // RFC 2883: each duplicate is answered with a SACK block of what came twice
    expect(third.segment!.ack).toBe(301);
    await cell.flush();
    const copies = cell.events.filter(({ deed }) => deed.do === 'copy' && deed.of === original.n && deed.rule === 1);
    expect(copies).toHaveLength(2);
    await far.ask('received', { bytes: 300 });
    expect((await far.answer('received', { bytes: 300 })).ok).toBe(true);
  });

  test('lets later segments overtake', async () => {
    await using cell = await wiredCell({ settings: { telling: 'all' } });
    const [near, far] = await cell.connect(await cell.listen(4));
    await cell.wire.reorder(data.from('client'), { behind: 1, withinMs: 5000, times: 1 });
    await near.ask('write', { bytes: 100 });
    await near.ask('write', { bytes: 100 });
    await far.ask('received', { bytes: 200 });
    // the second came first: an acknowledgement with a hole
    const holed = await cell.wire.seen(ack.from('server').withOption('sack'));
    expect(holed.segment!.ack).toBe(1);
    expect(holed.segment!.options.find(({ kind }) => kind === 'sack')).toBeDefined();
  });

  test('is a black hole one way: the sender sends again and again, until it is lifted', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(4));
    const hole = await cell.wire.blackhole(tcp.from('client'));
    await near.ask('write', { bytes: 10 });
    await cell.wire.seen(data.from('client').nth(3));
    await hole.lift();
    await far.ask('received', { bytes: 10 });
    await cell.flush();
    expect(told(cell).filter((line) => line.endsWith('black hole (rule 1)')).length).toBeGreaterThanOrEqual(3);
  });

  test('loses the same segments with the same seed, and a rate holds data back', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(4));
    await cell.wire.loss(data.from('client'), 0.05, { seed: 4711 });
    await cell.wire.rate(data.from('client'), 2_000_000, { queueBytes: 60_000 });
    const began = cell.now();
    await near.ask('write', { bytes: 400_000 });
    await far.ask('received', { bytes: 400_000 });
    // 400,000 bytes and their headers at 2,000,000 a second; what was lost goes twice
    expect((cell.now() - began) / 1e6).toBeGreaterThan(200);
    expect((await cell.wire.statistics()).dropped).toBeGreaterThan(2);
  });
});

/** A connection whose client closed first, and is left in TIME-WAIT. */
async function timeWait(cell: WiredCell, family: 4 | 6 = 4) {
  const at = await cell.listen(family);
  const [near, far] = await cell.connect(at);
  await near.ask('close', { by: 'end' });
  await far.ask('saw', { event: 'end' });
  await far.ask('close', { by: 'end' });
  await near.ask('saw', { event: 'close' });
  const last = await cell.wire.seen(ack.from('client'), { after: await cell.wire.seen(fin.from('server')) });
  return { at, near, far, last };
}

onWire('what reaches TIME-WAIT', () => {
  test('the FIN once more: it is acknowledged once more, with the same numbers', async () => {
    await using cell = await wiredCell();
    const { last } = await timeWait(cell);
    await cell.wire.replay(await cell.wire.seen(fin.from('server')));
    const again = await cell.wire.seen(ack.from('client'), { after: last });
    expect(again.segment!.absolute).toEqual(last.segment!.absolute);
    await cell.flush();
    expect(cell.events.some(({ deed }) => deed.do === 'replay')).toBe(true);
  });

  test('a RST at RCV.NXT ends it, RFC 1337: the next segment finds nobody', async () => {
    await using cell = await wiredCell();
    const { near, last } = await timeWait(cell);
    await cell.wire.inject({ from: 'server', on: near, flags: ['RST'] });
    await cell.wire.replay(await cell.wire.seen(fin.from('server')));
    await cell.wire.seen(rst.from('client'), { after: last });
  });

  test('with tcp_rfc1337 it does not', async () => {
    await using cell = await wiredCell({ sysctls: { 'net.ipv4.tcp_rfc1337': 1 } });
    const { near, last } = await timeWait(cell);
    await cell.wire.inject({ from: 'server', on: near, flags: ['RST'] });
    await cell.wire.replay(await cell.wire.seen(fin.from('server')));
    const answer = await cell.wire.seen(ack.or(rst).from('client'), { after: last });
    expect(answer.segment!.flags).toEqual(['ACK']);
  });

  test('a segment with a wrong checksum is not answered, the same with a right one is', async () => {
    await using cell = await wiredCell();
    const { near, last } = await timeWait(cell);
    const old = { from: 'server', on: near, flags: ['ACK', 'PSH'], seq: 1, payload: 'old' } as const;
    await cell.wire.inject({ ...old, checksum: 'wrong' });
    const right = await cell.wire.inject(old);
    const answer = await cell.wire.seen(ack.from('client'), { after: last });
    expect(answer.n).toBeGreaterThan(right);
  });
});

onWire('what is answered at once', () => {
  test.each([4, 6] as const)(
    'to the FIN once more an ACK, to a RST elsewhere observed silence, over IPv%i',
    async (family) => {
      await using cell = await wiredCell();
      const { near } = await timeWait(cell, family);
      const again = await cell.wire.replay(await cell.wire.seen(fin.from('server')));
      const answers = await cell.wire.answers(again);
      expect(answers.map(({ from, segment }) => [from, segment!.flags.join()])).toEqual([['client', 'ACK']]);
      const elsewhere = { from: 'server', on: near, flags: ['RST'], seq: { next: 100 } } as const;
      expect(await cell.wire.answers(await cell.wire.inject(elsewhere))).toEqual([]);
    },
  );
});

onWire('a forged segment on a live connection', () => {
  test('a RST in the window but not at RCV.NXT is challenged, one at RCV.NXT resets: RFC 5961 §3.2', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(4));
    const open = await cell.wire.seen(ack.from('client'));
    await cell.wire.inject({ from: 'client', on: near, flags: ['RST'], seq: { next: 100 } });
    const challenge = await cell.wire.seen(ack.from('server'), { after: open });
    expect(challenge.segment!.ack).toBe(1);
    expect((await far.ask('info', {})).state).toBe('ESTABLISHED');
    await cell.wire.inject({ from: 'client', on: near, flags: ['RST'] });
    await far.ask('saw', { event: 'close' });
  });

  test('data with an older timestamp is refused, RFC 7323 §5; with the right one it is delivered', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(6));
    await near.ask('write', { bytes: 10 });
    await far.ask('received', { bytes: 10 });
    const forged = { from: 'client', on: near, flags: ['ACK', 'PSH'], payload: 'forged' } as const;
    const before = await cell.wire.seen(data.from('client'));
    await cell.wire.inject({ ...forged, timestamps: { value: -100_000 } });
    const refusal = await cell.wire.seen(ack.from('server').withAck(11), { after: before });
    expect(refusal.segment!.ack).toBe(11);
    await cell.wire.inject(forged);
    await far.ask('received', { bytes: 16 });
  });

  test('of a connection that the wire has not seen, or counted from nothing, is refused with the reason', async () => {
    await using cell = await wiredCell();
    const nowhere = { local: { address: '10.77.0.1', port: 1 }, remote: { address: '10.77.0.2', port: 2 } };
    await expect(cell.wire.inject({ from: 'client', on: nowhere, flags: ['RST'] })).rejects.toThrow(/no segment/);
    await expect(cell.wire.replay(99)).rejects.toThrow(/#99/);
  });

  test('SYN cookies or not: a SYN-ACK that nobody asked for is answered with a RST', async () => {
    await using cell = await wiredCell();
    const [near] = await cell.connect(await cell.listen(4));
    const syn2 = await cell.wire.seen(synAck);
    await near.ask('close', { by: 'resetAndDestroy' });
    const reset = await cell.wire.seen(rst.from('client'));
    await cell.wire.replay(syn2);
    const answer = await cell.wire.seen(rst.from('client'), { after: reset });
    expect(answer.segment!.absolute.seq).toBe(syn2.segment!.absolute.ack);
  });
});

onWire('hostile bytes', () => {
  test('are captured and told, and the wire goes on', async () => {
    await using cell = await wiredCell({ settings: { telling: 'all' } });
    const hostile = ['', '45', '4500', '60', 'ff'.repeat(60), `45${'00'.repeat(19)}`, `4f00003c${'00'.repeat(56)}`];
    for (const hex of hostile) await cell.wire.injectRaw('client', Buffer.from(hex, 'hex'));
    const [near, far] = await cell.connect(await cell.listen(4));
    await near.ask('write', { bytes: 10 });
    await far.ask('received', { bytes: 10 });
    const { emitted, faults, capture } = await cell.wire.statistics();
    expect([emitted, faults]).toEqual([hostile.length, []]);
    expect(capture.packets).toBeGreaterThan(hostile.length + 3);
    const refused = await found('a refusal', () => cell.events.find(({ deed }) => 'refusedBy' in deed));
    expect(refused.deed).toEqual({ do: 'forged', refusedBy: 'kernel', errno: expect.stringMatching(/^E[A-Z]+$/) });
  });
});

onWire('a wire that falls behind', () => {
  test('says that it did not run, and for how long', async () => {
    await using cell = await wiredCell();
    const [near, far] = await cell.connect(await cell.listen(4));
    process.kill(cell.wirePid, 'SIGSTOP');
    const writing = near.ask('write', { bytes: 10 });
    // the stall itself
    await sleep(300);
    process.kill(cell.wirePid, 'SIGCONT');
    await writing;
    await far.ask('received', { bytes: 10 });
    const stalled = async () => {
      const statistics = await cell.wire.statistics();
      return statistics.longestStallMs > 250 ? statistics : undefined;
    };
    expect(fallingBehind(await found('the stall', stalled)).join()).toMatch(/the wire did not run for up to \d{3} ms/);
  });

  test('says how many packets the kernel dropped meanwhile', async () => {
    await using cell = await wiredCell();
    // a queue of 10 packets at the client's device instead of the usual 10,000
    const shorten = () => spawnSync('ip', ['link', 'set', 'wire0', 'txqueuelen', '10'], { encoding: 'utf8' });
    expect(cell.lab.space('client').inside(shorten).stderr).toBe('');
    const at = await cell.listen(4);
    const [near, far] = await cell.connect(at);
    // a window large enough for more than the queue at once
    await near.ask('write', { bytes: 200_000 });
    await far.ask('received', { bytes: 200_000 });
    process.kill(cell.wirePid, 'SIGSTOP');
    const writing = near.ask('write', { bytes: 200_000 });
    await sleep(50);
    process.kill(cell.wirePid, 'SIGCONT');
    await writing;
    await far.ask('received', { bytes: 400_000 });
    const statistics = await cell.wire.statistics();
    expect(statistics.txDropped.client).toBeGreaterThan(0);
    expect(fallingBehind(statistics).join()).toContain(`dropped ${statistics.txDropped.client} packets of the client`);
  });
});
