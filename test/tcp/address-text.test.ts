import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inetNtop } from '../../src/native/libc.ts';
import { addressBytes, addressText, canonicalText, plainText, withoutMapping } from '../../src/tcp/address-text.ts';
import { address6, bytes } from './arbitrary.ts';

const AF_INET = 2;
const AF_INET6 = 10;

// RFC 5952 §4 and §5, and what glibc's inet_ntop(3) makes of IPv4 in IPv6
test.each([
  ['00000000', '0.0.0.0'],
  ['0a4d0002', '10.77.0.2'],
  ['ffffffff', '255.255.255.255'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['fe800000000000000000000000000001', 'fe80::1'],
  ['fd000000000000010000000000000002', 'fd00:0:0:1::2'],
  ['20010db8001000000000000000000005', '2001:db8:10::5'],
  ['ff000000000000000000000000000000', 'ff00::'],
  ['20010db8000000000000000000020001', '2001:db8::2:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010DB8000A000B000C000D000E000F', '2001:db8:a:b:c:d:e:f'],
  ['0064ff9b0000000000000000c0000201', '64:ff9b::c000:201'],
  ['00000000000000000000000001020304', '::1.2.3.4'],
  ['00000000000000000000000101020304', '::1:102:304'],
  ['00000000000000000000ffff01020304', '::ffff:1.2.3.4'],
  ['00000000000000000001ffff01020304', '::1:ffff:102:304'],
])('%s is %s, and back', (hex, text) => {
  const bytes = Buffer.from(hex, 'hex');
  const family = bytes.length === 4 ? 4 : 6;
  expect(addressText(bytes, 0, family)).toBe(text);
  expect(inetNtop(family === 4 ? AF_INET : AF_INET6, bytes)).toBe(text);
  expect(Buffer.from(addressBytes(text)).toString('hex')).toBe(hex.toLowerCase());
});

test('addresses are written as inet_ntop(3) writes them, and read back', () => {
  const alike = (address: Uint8Array, family: 4 | 6): void => {
    const text = addressText(address, 0, family);
    expect(text).toBe(inetNtop(family === 4 ? AF_INET : AF_INET6, address));
    expect(addressBytes(text)).toEqual(address);
  };
  fc.assert(
    fc.property(address6, bytes(4), (long, short) => {
      alike(long, 6);
      alike(short, 4);
    }),
    { numRuns: 5000 },
  );
});

test('an address is read where it begins', () => {
  expect(addressText(Buffer.from('ffff0a0000ffffff', 'hex'), 2, 4)).toBe('10.0.0.255');
  expect(addressText(Buffer.from('ff00000000000000000000000000000001', 'hex'), 1, 6)).toBe('::1');
});

test('an IPv4-mapped address is written as IPv4 where that is asked for', () => {
  expect(withoutMapping('::ffff:127.0.0.1')).toBe('127.0.0.1');
  expect(['::1.2.3.4', '::ffff:7f00:1', 'fd00::ffff:1', '::1', '10.0.0.1'].map(withoutMapping)).toEqual([
    '::1.2.3.4',
    '::ffff:7f00:1',
    'fd00::ffff:1',
    '::1',
    '10.0.0.1',
  ]);
});

test.each(['', '10.77.0', 'fd77', '::ffff:1.2.3', 'fe80::1%lo', '*'])("'%s' is refused", (text) => {
  expect(() => addressBytes(text)).toThrow(RangeError);
});

test.each([
  ['127.0.0.2', '127.0.0.2', '127.0.0.2'],
  ['::FFFF:7f00:2', '::ffff:127.0.0.2', '127.0.0.2'],
  ['::ffff:0.0.0.0', '::ffff:0.0.0.0', '0.0.0.0'],
  ['FE80:0:0:0:0:0:0:1%veth0', 'fe80::1%veth0', 'fe80::1'],
  ['0:0::1', '::1', '::1'],
])('%s is %s to the kernel, and %s to observers', (text, canonical, plain) => {
  expect(canonicalText(text)).toBe(canonical);
  expect(plainText(canonical)).toBe(plain);
});
