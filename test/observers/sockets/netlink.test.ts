import { describe, expect, test } from 'vitest';
import { DumpError, parseDump } from '../../../src/observers/sockets/netlink.ts';
import type { SsSocket } from '../../../src/record/event.ts';

interface Fields {
  readonly family?: 2 | 10;
  readonly state?: number;
  readonly timer?: number;
  readonly retransmits?: number;
  readonly expires?: number;
  readonly local?: readonly number[];
  readonly remote?: readonly number[];
  readonly cookie?: readonly [number, number];
  readonly attributes?: number;
}

/** A message as inet_sk_diag_fill() writes it, include/uapi/linux/inet_diag.h. */
function message(fields: Fields): Buffer {
  const { family = 2, state = 1, timer = 0, retransmits = 0, expires = 0, cookie = [7, 0], attributes = 0 } = fields;
  const { local = [127, 0, 0, 1], remote = [127, 0, 0, 2] } = fields;
  const bytes = Buffer.alloc(88 + attributes);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(20, 4);
  bytes.set([family, state, timer, retransmits], 16);
  bytes.writeUInt16BE(4000, 20);
  bytes.writeUInt16BE(50_000, 22);
  bytes.set(local, 24);
  bytes.set(remote, 40);
  bytes.writeUInt32LE(cookie[0], 60);
  bytes.writeUInt32LE(cookie[1], 64);
  bytes.writeUInt32LE(expires, 68);
  bytes.writeUInt32LE(3, 72);
  bytes.writeUInt32LE(5, 76);
  bytes.writeUInt32LE(99, 84);
  return bytes;
}
function done(): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(20, 0);
  bytes.writeUInt16LE(3, 4);
  return bytes;
}
function parsed(...messages: readonly Buffer[]) {
  const sockets: SsSocket[] = [];
  return { isLast: parseDump(Buffer.concat(messages), sockets), sockets };
}

describe('a dump', () => {
  test('gives each socket with its queues, inode and cookie', () => {
    const { isLast, sockets } = parsed(message({}), message({ state: 10, attributes: 12 }), done());
    expect(isLast).toBe(true);
    expect(sockets).toEqual([
      {
        state: 'ESTABLISHED',
        recvQ: 3,
        sendQ: 5,
        local: { address: '127.0.0.1', port: 4000 },
        remote: { address: '127.0.0.2', port: 50_000 },
        family: 4,
        inode: 99,
        cookie: '7',
      },
      expect.objectContaining({ state: 'LISTEN' }),
    ]);
  });

  test('is not over before the kernel says so', () => {
    expect(parsed(message({})).isLast).toBe(false);
  });

  test('gives the timer of TIME-WAIT, and none where none runs', () => {
    const { sockets } = parsed(
      message({ state: 6, timer: 3, expires: 59_123 }),
      message({ timer: 1, retransmits: 2, expires: 200 }),
    );
    expect(sockets.map(({ timer }) => timer)).toEqual([
      { name: 'timewait', ms: 59_123, retransmits: 0 },
      { name: 'on', ms: 200, retransmits: 2 },
    ]);
    expect(parsed(message({})).sockets[0]).not.toHaveProperty('timer');
  });

  test('gives addresses as ss is read: shortest IPv6, mapped ones as IPv4 of family 6', () => {
    const six = (...words: number[]) => words.flatMap((word) => [word >> 8, word & 255]);
    const { sockets } = parsed(
      message({ family: 10, local: six(0xfd77, 0, 0, 0, 0, 0, 0, 1), remote: six(0, 0, 0, 0, 0, 0, 0, 0) }),
      message({ family: 10, local: six(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), remote: six(1, 0, 0, 2, 0, 0, 0, 3) }),
      message({ family: 10, local: six(0, 0, 0, 0, 0, 0, 0, 1), remote: six(1, 2, 3, 4, 5, 6, 7, 0xabc) }),
    );
    expect(sockets.map(({ family, local, remote }) => [family, local.address, remote.address])).toEqual([
      [6, 'fd77::1', '::'],
      [6, '127.0.0.1', '1:0:0:2::3'],
      [6, '::1', '1:2:3:4:5:6:7:abc'],
    ]);
  });

  test('gives a cookie of more than 32 bits as one number', () => {
    expect(parsed(message({ cookie: [0x1f, 0x2] })).sockets[0]?.cookie).toBe('20000001f');
  });
});

describe('what the kernel does not write', () => {
  test.each([
    ['a message that ends behind the datagram', message({}).subarray(0, 80)],
    ['a message without a length', Buffer.alloc(32)],
    ['a refusal', Buffer.concat([Buffer.from([36, 0, 0, 0, 2, 0]), Buffer.alloc(30, 0xff)])],
  ])('is an error: %s', (_, bytes) => {
    expect(() => parsed(bytes)).toThrow(DumpError);
  });
});
