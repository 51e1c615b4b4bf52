import { expect, test } from 'vitest';
import { headerChecksum, onesSum } from '../../src/tcp/checksum.ts';

test('the sum is that of the example in RFC 1071 §3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(onesSum(bytes, 0, 8)).toBe(0xddf2);
});

test('an odd last byte is a word’s first', () => {
  expect(onesSum(Uint8Array.of(0x12, 0x34, 0x56), 0, 3)).toBe(0x1234 + 0x5600);
});

test('a header whose checksum is in place sums to 0', () => {
  const header = Buffer.from('4500007300004000401100000a4d00010a4d0002', 'hex');
  const checksum = headerChecksum(header, 20);
  header.writeUInt16BE(checksum, 10);
  expect(checksum).not.toBe(0);
  expect(headerChecksum(header, 20)).toBe(0);
});
