import { SocketAddress } from 'node:net';
import { expect, test } from 'vitest';
import { addressBytes, addressText } from '../../src/tcp/address-text.ts';
import { generator } from '../wire/random.ts';

test.each([
  ['0.0.0.0', 4],
  ['10.77.0.2', 4],
  ['::', 6],
  ['::1', 6],
  ['fd77::1', 6],
  ['fd77:0:1::', 6],
  ['2001:db8:0:1:1:1:1:1', 6],
  ['2001:0:0:1::1', 6],
] as const)('%s is its bytes and back', (text, family) => {
  const bytes = addressBytes(text);
  expect(bytes).toHaveLength(family === 4 ? 4 : 16);
  expect(addressText(bytes, 0, family)).toBe(text);
});

test('random IPv6 addresses are written as libc writes them', () => {
  const { bytes, below } = generator(6);
  for (let count = 0; count < 2000; count++) {
    const address = bytes(16).map((byte) => (below(2) ? byte : 0));
    address[0] = 0xfd;
    const text = addressText(address, 0, 6);
    expect(new SocketAddress({ address: text, family: 'ipv6' }).address).toBe(text);
    expect(addressBytes(text)).toEqual(address);
  }
});

test.each(['', '10.77.0', 'fd77', '::ffff:1.2.3.4', 'fe80::1%lo'])("'%s' is refused", (text) => {
  expect(() => addressBytes(text)).toThrow(RangeError);
});
