import { describe, expect, test } from 'vitest';
import { headerChecksum, onesSum } from '../../src/tcp/checksum.ts';
import { echoRequest } from '../../src/tcp/echo.ts';
import { format, type OtherPacket, parse } from '../../src/tcp/segment.ts';
import { whenAnswered } from '../../src/wire/watch.ts';
import { fakeWire } from '../wire/fake-wire.ts';
import { segment } from '../wire/seen.ts';

const ends = { 4: ['10.77.0.1', '10.77.0.2'], 6: ['fd00::1', 'fd00::2'] } as const;
const icmpAt = { 4: 20, 6: 40 } as const;

/** What a kernel makes of a request: the same with another type; checksums are of no concern here. */
function replyTo(request: Uint8Array): Buffer {
  const reply = Buffer.from(request);
  const at = reply[0]! >> 4 === 4 ? icmpAt[4] : icmpAt[6];
  reply[at] = at === icmpAt[4] ? 0 : 129;
  return reply;
}

describe.each([4, 6] as const)('an echo request over IPv%i', (family) => {
  const [source, destination] = ends[family];

  test('has right checksums', () => {
    const bytes = echoRequest(source, destination, 0xdeadbeef);
    if (family === 4) {
      expect(headerChecksum(bytes, 20)).toBe(0);
      expect(onesSum(bytes, 20, 28)).toBe(0xffff);
    } else expect(onesSum(bytes, 40, 48, onesSum(bytes, 8, 40, 58 + 8))).toBe(0xffff);
  });

  test('is no reply; the reply to it has its token', () => {
    const bytes = echoRequest(source, destination, 0xdeadbeef);
    expect(parse(bytes)).toEqual({ kind: 'other', why: 'no-tcp', protocol: family === 4 ? 1 : 58 });
    expect((parse(replyTo(bytes)) as OtherPacket).echoed).toBe(0xdeadbeef);
  });

  test('cut short is no reply either', () => {
    const reply = replyTo(echoRequest(source, destination, 7));
    for (let length = 0; length < reply.length; length++) {
      const packet = parse(reply.subarray(0, length));
      expect(packet.kind === 'other' && packet.echoed).toBe(undefined);
    }
  });
});

describe('what a packet is answered with', () => {
  const opener = format(segment('client', ['SYN'], { seq: 1000 }));
  const answer = format(segment('server', ['ACK'], { seq: 5000, ack: 1001 }));

  test('is what its receiver sent between it and the reply to an echo request behind it, nothing else', async () => {
    const wire = fakeWire();
    wire.send('server', answer);
    wire.send('client', opener);
    const answers = whenAnswered(wire, 2, 7);
    const request = wire.got('server').at(-1)!;
    expect((parse(replyTo(request)) as OtherPacket).echoed).toBe(7);
    wire.send('server', answer, replyTo(echoRequest('10.77.0.2', '10.77.0.1', 6)), answer);
    wire.send('client', opener);
    wire.send('server', replyTo(request), answer);
    expect((await answers).map(({ n, from }) => [n, from])).toEqual([
      [4, 'server'],
      [6, 'server'],
    ]);
    expect(wire.pump.watchers.size).toBe(0);
  });

  test('may be nothing, which is known when the reply comes', async () => {
    const wire = fakeWire();
    const forged = wire.pump.emit('client', opener, { do: 'forged' });
    const answers = whenAnswered(wire, forged, 1);
    wire.send('server', replyTo(wire.got('server').at(-1)!));
    expect(await answers).toEqual([]);
    expect(wire.deeds()).toEqual(['forged', 'echo request, after #1', 'carried']);
  });

  test('is not asked of what is no segment', async () => {
    const wire = fakeWire();
    wire.send('client', Buffer.of(1, 2, 3));
    await expect(whenAnswered(wire, 1, 1)).rejects.toThrow('#1 is no TCP segment');
    await expect(whenAnswered(wire, 2, 1)).rejects.toThrow('#2 is no TCP segment');
  });
});
