import { expect, test } from 'vitest';
import { ipv4Text, ipv6Text } from '../../../src/observers/trace/address.ts';

const view = (words: string): DataView =>
  new DataView(
    Uint8Array.from(
      words.split(' ').flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]),
    ).buffer,
  );

// RFC 5952 §4 and §5; the same is what glibc's inet_ntop, and so ss, prints
test.each([
  ['0 0 0 0 0 0 0 0', '::'],
  ['0 0 0 0 0 0 0 1', '::1'],
  ['fe80 0 0 0 0 0 0 1', 'fe80::1'],
  ['2001 db8 0 0 0 0 2 1', '2001:db8::2:1'],
  ['2001 db8 0 1 1 1 1 1', '2001:db8:0:1:1:1:1:1'],
  ['2001 0 0 1 0 0 0 1', '2001:0:0:1::1'],
  ['2001 db8 0 0 1 0 0 1', '2001:db8::1:0:0:1'],
  ['1 0 0 0 0 0 0 0', '1::'],
  ['2001 DB8 A B C D E F', '2001:db8:a:b:c:d:e:f'],
  ['64 ff9b 0 0 0 0 c000 201', '64:ff9b::c000:201'],
  ['0 0 0 0 0 0 102 304', '::1.2.3.4'],
  ['0 0 0 0 0 1 102 304', '::1:102:304'],
])('%s is %s', (words, text) => {
  expect(ipv6Text(view(words), 0)).toBe(text);
});

test('an IPv4-mapped address is IPv4', () => {
  expect(ipv6Text(view('0 0 0 0 0 ffff 7f00 1'), 0)).toBe('127.0.0.1');
  expect(ipv6Text(view('0 0 0 0 0 ffff 0 0'), 0)).toBe('0.0.0.0');
});

test('four bytes are an IPv4 address', () => {
  expect(ipv4Text(view('0 a00 ff'), 2)).toBe('10.0.0.255');
});
