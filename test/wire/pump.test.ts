import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { any, data, syn, tcp } from '../../src/experiment/patterns.ts';
import { blackhole, delay, drop, duplicate, hold, type Rule, rate, reorder } from '../../src/experiment/rules.ts';
import { format, parse } from '../../src/tcp/segment.ts';
import type { End } from '../../src/tcp/states.ts';
import { noRules, withRule } from '../../src/wire/step.ts';
import { Translation } from '../../src/wire/translation.ts';
import { countSeen, seenWithin, whenSeen } from '../../src/wire/watch.ts';
import { bytes, segments } from '../tcp/arbitrary.ts';
import { type FakeOptions, fakeWire } from './fake-wire.ts';
import { client, segment } from './seen.ts';

const opener = format(segment('client', ['SYN'], { seq: 1000 }));
const bytesOf = (payload: string, seq = 1001) => format(segment('client', ['ACK'], { seq, ack: 1, payload }));

function wireWith(rule: Rule, options?: FakeOptions) {
  const wire = fakeWire({ telling: 'all', ...options });
  wire.pump.state = withRule(noRules, 1, rule);
  return wire;
}

describe('without rules', () => {
  test('every packet goes to the other end as it was, in its order, and is in the capture', () => {
    const packet = fc.record({ from: fc.constantFrom<End>('client', 'server'), segment: segments });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 100 }), (all) => {
        const wire = fakeWire();
        const sent = { client: [] as Buffer[], server: [] as Buffer[] };
        for (const { from, segment } of all) {
          const packet = format(segment);
          sent[from].push(packet);
          wire.send(from, packet);
        }
        expect(wire.got('server')).toEqual(sent.client);
        expect(wire.got('client')).toEqual(sent.server);
        expect(wire.pump.counts.carried).toEqual({ client: sent.client.length, server: sent.server.length });
        expect(wire.capture.latest).toBe(all.length);
        expect(new Set(wire.deeds())).toEqual(new Set(['carried']));
      }),
    );
  });

  test('more than one turn’s packets take more turns, and neither end starves', () => {
    const wire = fakeWire();
    wire.send('client', ...Array.from({ length: 1000 }, () => bytesOf('x')));
    expect(wire.got('server').length).toBeGreaterThan(100);
    expect(wire.got('server').length).toBeLessThan(300);
    wire.send('server', opener);
    expect(wire.got('client')).toHaveLength(1);
    for (let turns = 0; turns < 10; turns++) wire.pump.turn();
    expect(wire.got('server')).toHaveLength(1000);
  });

  test('only what opens, closes or resets is told', () => {
    const wire = fakeWire();
    const flags = [['SYN'], ['ACK'], ['ACK', 'PSH'], ['FIN', 'ACK'], ['RST']] as const;
    wire.send('client', ...flags.map((each) => format(segment('client', each, { seq: 5 }))));
    expect(wire.events.map((event) => event.kind === 'segment' && event.segment!.flags.join())).toEqual([
      'SYN',
      'FIN,ACK',
      'RST',
    ]);
  });
});

describe('hostile bytes', () => {
  test('are counted, captured and forwarded, with a rule that looks at each', () => {
    const hostile = fc
      .tuple(bytes(1, 100), fc.constantFrom(0x45, 0x46, 0x4f, 0x60, undefined), fc.constantFrom(6, 6, 17))
      .map(([packet, first, protocol]) => {
        if (first !== undefined) packet[0] = first;
        if (packet.length > 9) packet[9] = protocol;
        return Buffer.from(packet);
      });
    let total = 0;
    let others = 0;
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 100, size: 'max' }), fc.boolean(), (sent, ruled) => {
        const wire = ruled ? wireWith(drop(tcp.containing('never in there').withOption('mss'))) : fakeWire();
        for (const packet of sent) wire.send('client', packet);
        expect(wire.got('server')).toEqual(sent);
        expect(wire.pump.counts.faults).toEqual([]);
        const captured = [...wire.capture.entries()].map(({ packet }) => Buffer.from(packet.bytes));
        expect(captured).toEqual(sent.slice(-captured.length));
        total += sent.length;
        others += Object.values(wire.pump.counts.others).reduce((sum, count) => sum + count, 0);
      }),
    );
    expect(others).toBeGreaterThan(total * 0.8);
  });

  test('that the kernel refuses are captured with its reason, and the next packet is carried', () => {
    const wire = fakeWire({ refuses: (packet) => (packet[0] === 0xff ? 'EINVAL' : undefined) });
    wire.send('client', Uint8Array.of(0xff), opener);
    expect(wire.got('server')).toEqual([opener]);
    expect(wire.deeds()).toEqual(['refused by the kernel: EINVAL', 'carried']);
    expect(wire.pump.counts.refused).toEqual({ EINVAL: 1 });
  });

  test('of the wire itself are counted apart from those of the ends, and from those that may be refused', () => {
    const wire = fakeWire({ refuses: (packet) => (packet[0] === 0xff ? 'EINVAL' : undefined) });
    wire.pump.emit('client', Uint8Array.of(0x45), { do: 'forged' });
    wire.pump.emit('client', Uint8Array.of(0xff), { do: 'forged' });
    wire.pump.emit('client', Uint8Array.of(0xff), { do: 'forged' }, { mayBeRefused: true });
    wire.pump.emit('client', opener, { do: 'forged' });
    const { others, othersOwn, refusedOwn, refusedAsExpected } = wire.pump.counts;
    expect(others).toEqual({});
    expect(Object.values(othersOwn).reduce((sum, count) => sum + count, 0)).toBe(3);
    expect([refusedOwn, refusedAsExpected]).toEqual([{ EINVAL: 1 }, { EINVAL: 1 }]);
  });

  test('a rule that nobody understands is a fault that is counted, and the packet is carried', () => {
    const wire = wireWith({ pattern: { match: { is: 'any' } }, action: { do: 'nonsense' } as never });
    wire.send('client', opener);
    expect(wire.got('server')).toEqual([opener]);
    expect(wire.pump.counts.faults).toHaveLength(1);
  });
});

describe('a rule', () => {
  test('drops, and says which rule did', () => {
    const wire = wireWith(drop(syn, { times: 1 }));
    wire.send('client', opener, opener);
    expect(wire.got('server')).toEqual([opener]);
    expect(wire.deeds()).toEqual(['dropped (rule 1)', 'carried']);
    expect(wire.pump.counts.dropped).toBe(1);
  });

  test('is a black hole for one way only', () => {
    const wire = wireWith(blackhole(any.from('client')));
    wire.send('client', opener);
    wire.send('server', opener);
    expect([wire.got('server'), wire.got('client')]).toEqual([[], [opener]]);
    expect(wire.deeds()).toEqual(['black hole (rule 1)', 'carried']);
  });

  test('holds until it is released, though the capture’s memory was used again meanwhile', () => {
    const wire = wireWith(hold(syn, { times: 1 }));
    wire.send('client', opener);
    const big = bytesOf('x'.repeat(60_000));
    for (let count = 0; count < 30; count++) wire.send('client', big);
    expect(wire.deeds()[0]).toBe('held (rule 1), and still is');
    wire.clock.now = 412e6;
    wire.pump.release(wire.room.release({ rule: 1 }));
    expect(wire.got('server').at(-1)).toEqual(opener);
    expect(wire.deeds()[0]).toBe('held 412.000 ms (rule 1)');
    expect(wire.events.at(-1)).toMatchObject({ kind: 'deed', n: 1, deed: { do: 'held', rule: 1, heldNs: 412e6 } });
  });

  test('holds until it is discarded: then it is lost, and the capture says so', () => {
    const wire = wireWith(hold(syn));
    wire.send('client', opener);
    expect(wire.room.held().map(({ n }) => n)).toEqual([1]);
    wire.clock.now = 5e6;
    wire.pump.discard(wire.room.release({ rule: 1 }));
    expect([wire.got('server'), wire.room.held(), wire.pump.counts.dropped]).toEqual([[], [], 1]);
    expect(wire.deeds()).toEqual(['held 5.000 ms, then dropped (rule 1)']);
    expect(wire.events.at(-1)).toMatchObject({
      kind: 'deed',
      n: 1,
      deed: { do: 'held', rule: 1, heldNs: 5e6, discarded: true },
    });
  });

  test('counts apart what the kernel refuses of a peer, of the scenario, and as was expected', () => {
    const wire = fakeWire({ refuses: () => 'EINVAL' });
    wire.send('client', opener);
    wire.pump.emit('client', Uint8Array.of(0), { do: 'forged' });
    wire.pump.emit('client', Uint8Array.of(0), { do: 'forged' }, { mayBeRefused: true });
    const { refused, refusedOwn } = wire.pump.counts;
    expect([refused, refusedOwn]).toEqual([{ EINVAL: 1 }, { EINVAL: 1 }]);
    expect(wire.deeds().slice(1)).toEqual(Array(2).fill('forged, refused by the kernel: EINVAL'));
  });

  test('delays: the order of what is delayed alike stays, what is not goes first', () => {
    const wire = wireWith(delay(data, 5));
    wire.send('client', bytesOf('a'), bytesOf('b'), opener);
    expect(wire.got('server')).toEqual([opener]);
    wire.until(4.9e6);
    expect(wire.got('server')).toHaveLength(1);
    wire.until(5e6);
    expect(wire.got('server')).toEqual([opener, bytesOf('a'), bytesOf('b')]);
    expect(wire.deeds()).toEqual(['delayed 5.000 ms (rule 1)', 'delayed 5.000 ms (rule 1)', 'carried']);
    expect(wire.clock.armed).toBeUndefined();
  });

  test('duplicates at once, or later: each copy has a frame of its own, and no rule', () => {
    const wire = wireWith(duplicate(syn, { copies: 2, everyMs: 3 }), { snap: 30 });
    wire.send('client', opener);
    wire.until(10e6);
    expect(wire.got('server')).toEqual([opener, opener, opener]);
    expect(wire.deeds()).toEqual(['carried', 'duplicate of #1 (rule 1)', 'duplicate of #1 (rule 1)']);
    expect([...wire.capture.entries()].map(({ t }) => t)).toEqual([0, 3e6, 6e6]);
    const atOnce = wireWith(duplicate(syn));
    atOnce.send('client', opener);
    expect(atOnce.got('server')).toEqual([opener, opener]);
  });

  test('lets others overtake, or goes when its time is over', () => {
    const wire = wireWith(reorder(data, { behind: 2, withinMs: 50, times: 1 }));
    wire.send('client', bytesOf('a'), opener);
    wire.send('server', opener);
    expect(wire.got('server')).toEqual([opener]);
    wire.send('client', opener);
    expect(wire.got('server')).toEqual([opener, opener, bytesOf('a')]);
    const alone = wireWith(reorder(data, { behind: 2, withinMs: 50 }));
    alone.send('client', bytesOf('a'));
    alone.until(60e6);
    expect(alone.got('server')).toEqual([bytesOf('a')]);
    expect(alone.deeds()).toEqual(['overtaken 50.000 ms (rule 1)']);
  });

  test('that has a rate sends one after the other', () => {
    const wire = wireWith(rate(data, 1_000_000));
    const packet = bytesOf('x'.repeat(960));
    expect(packet).toHaveLength(1000);
    wire.send('client', packet, packet, packet);
    wire.until(2.5e6);
    expect(wire.got('server')).toHaveLength(2);
    wire.until(3e6);
    expect(wire.got('server')).toHaveLength(3);
  });

  test('counts how late a timer was', () => {
    const wire = wireWith(delay(any, 1));
    wire.send('client', opener);
    wire.clock.now = 3e6;
    wire.pump.timeout();
    expect(wire.pump.counts.latest).toBe(2e6);
  });
});

describe('a wait', () => {
  test('is over at once for what came already, and counts from the beginning', async () => {
    const wire = fakeWire();
    wire.send('client', opener, bytesOf('a'), bytesOf('b', 1002));
    const second = await whenSeen(wire, data.nth(2), 0);
    expect(second).toMatchObject({ n: 3, from: 'client', segment: { seq: 2, bytes: 1, connection: 1 } });
    expect((await whenSeen(wire, data, 2)).n).toBe(3);
  });

  test('is over when it comes; what the wire emits itself is not meant', async () => {
    const wire = fakeWire();
    wire.send('client', bytesOf('a'));
    const waiting = whenSeen(wire, data.nth(2), 0);
    wire.pump.emit('client', bytesOf('b'), { do: 'forged' });
    expect(wire.pump.watchers.size).toBe(1);
    wire.send('client', opener, bytesOf('c'));
    expect((await waiting).n).toBe(4);
    expect(wire.pump.watchers.size).toBe(0);
  });
});

describe('a wait for a time', () => {
  /** What an end sends back when it is pinged: it has `late` to say first. */
  async function answersPings(wire: ReturnType<typeof fakeWire>, late: readonly Uint8Array[] = []) {
    await vi.waitFor(() => expect(wire.got('server').some((packet) => packet[9] === 1)).toBe(true));
    for (const end of ['client', 'server'] as const) {
      const request = wire.got(end).find((packet) => packet[9] === 1)!;
      const reply = Buffer.from(request);
      reply[20] = 0;
      wire.send(end, ...(end === 'client' ? late : []), reply);
    }
  }
  const tokens = () => {
    let count = 0;
    return () => ++count;
  };

  test('ends without a packet when both ends have answered a ping behind it', async () => {
    const wire = fakeWire();
    wire.send('client', opener);
    const waiting = seenWithin(wire, data, 0, 20e6, tokens());
    await answersPings(wire);
    expect(await waiting).toBeUndefined();
    expect(wire.pump.watchers.size).toBe(0);
    expect(wire.deeds().filter((deed) => deed === 'echo request')).toHaveLength(2);
  });

  test('finds what came already, what comes in time, and what a kernel still had to say', async () => {
    const wire = fakeWire();
    wire.send('client', opener, bytesOf('a'));
    expect((await seenWithin(wire, data, 0, 0, tokens()))?.n).toBe(2);
    const coming = seenWithin(wire, data, 2, 60_000e6, tokens());
    wire.send('client', bytesOf('b', 1002));
    expect((await coming)?.n).toBe(3);
    const late = seenWithin(wire, data, 3, 20e6, tokens());
    await answersPings(wire, [bytesOf('c', 1003)]);
    expect(await late).toMatchObject({ from: 'client', segment: { bytes: 1 } });
    expect(wire.pump.watchers.size).toBe(0);
  });

  test('reads what waited in the devices while the wire was stalled', async () => {
    const wire = fakeWire();
    wire.send('client', opener);
    const waiting = seenWithin(wire, data, 0, 15e6, tokens());
    wire.queue('client', bytesOf('a'));
    expect(await waiting).toMatchObject({ from: 'client', segment: { bytes: 1 } });
  });
});

test('a count is of what the peers sent so far; what the wire emits itself is not counted', () => {
  const wire = fakeWire();
  wire.send('client', opener, bytesOf('a'), bytesOf('b', 1002));
  wire.pump.emit('client', bytesOf('c', 1003), { do: 'forged' });
  expect([data, data.nth(2), data.nth(3), syn].map((pattern) => countSeen(wire, pattern))).toEqual([2, 1, 0, 1]);
});

test('a wait finds what the capture has cut, and does not say what was behind the cut', async () => {
  const wire = fakeWire({ snap: 64 });
  wire.send('client', opener, bytesOf('x'.repeat(1000)));
  const { segment: found } = await whenSeen(wire, data, 0);
  expect(found).toMatchObject({ seq: 1, bytes: 1000, flags: ['ACK'] });
  expect(found).not.toHaveProperty('intact');
  expect((await whenSeen(wire, syn, 0)).segment!.intact).toBe(true);
});

test('the longest time without both devices being empty is counted', () => {
  const wire = fakeWire();
  wire.send('client', ...Array.from({ length: 600 }, () => opener));
  expect(wire.pump.counts.longestBacklog).toBe(0);
  wire.clock.now = 30e6;
  for (let turns = 0; turns < 4; turns++) wire.pump.turn();
  expect(wire.pump.counts.longestBacklog).toBe(30e6);
});

describe('a translation', () => {
  const translated = (afterwards: 'drop' | 'reset', ports?: number) => {
    const wire = fakeWire();
    const addresses = { 4: '10.0.0.6', 6: 'fd77::6' } as const;
    wire.pump.translation = new Translation(addresses, { afterwards, ...(ports && { ports }) }, (event) =>
      wire.pump.note(event),
    );
    return wire;
  };
  const back = () =>
    format({ ...segment('server', ['ACK'], { seq: 7, ack: 9 }), destination: { address: '10.0.0.6', port: 61_001 } });

  test('lies between the wire and the server: what is recorded has the addresses of the inside', () => {
    const wire = translated('drop');
    wire.send('client', opener);
    expect(parse(wire.got('server')[0]!)).toMatchObject({ source: { address: '10.0.0.6', port: 61_001 } });
    wire.send('server', back());
    expect(parse(wire.got('client')[0]!)).toMatchObject({ destination: client });
    expect(wire.deeds()).toEqual(['carried, as 10.0.0.6:61001', 'carried, as 10.0.0.6:61001']);
    expect(wire.events.map(({ kind }) => kind)).toContain('mapping');
    expect(wire.history.connection(2)).toBeUndefined();
  });

  test.each(['drop', 'reset'] as const)('drops what it has forgotten before any rule sees it: %s', (afterwards) => {
    const wire = translated(afterwards);
    wire.send('client', opener);
    wire.pump.translation!.forgetAll(0);
    wire.pump.state = withRule(noRules, 1, hold(any));
    wire.send('server', back());
    expect(wire.got('client')).toEqual([]);
    expect(wire.room.size).toBe(0);
    expect(wire.deeds()[1]).toBe('no mapping');
    const answers = wire
      .got('server')
      .slice(1)
      .map((packet) => parse(packet));
    if (afterwards === 'drop') return expect(answers).toEqual([]);
    expect(answers).toMatchObject([{ source: { address: '10.0.0.6', port: 61_001 }, seq: 9, flags: 4, intact: true }]);
    expect(wire.deeds()[2]).toBe('forged: no mapping, of #2');
  });

  test('drops what comes from inside and has no port left', () => {
    const wire = translated('drop', 1);
    const another = format({ ...segment('client', ['SYN']), source: { ...client, port: 2 } });
    wire.send('client', opener, another, opener);
    expect(wire.got('server')).toHaveLength(2);
    expect(wire.deeds()[1]).toBe('no mapping');
    expect(wire.pump.counts.dropped).toBe(1);
  });
});
