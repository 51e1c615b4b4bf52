/** The ones' complement sum of 16-bit words, RFC 1071, not yet complemented; an odd last byte counts as a word's first. */
export function onesSum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let sum = start;
  let at = from;
  for (; at + 1 < to; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < to) sum += (bytes[at] as number) << 8;
  // 64 KiB of words stay far below 2^53
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** The checksum of an IPv4 header whose checksum field is 0, RFC 791 §3.1; 0 over one with a right checksum. */
export const headerChecksum = (bytes: Uint8Array, length: number): number => ~onesSum(bytes, 0, length) & 0xffff;

/**
 * The checksum of a TCP segment that begins at `from` in its packet, RFC 9293 §3.1: over the pseudo header of RFC 791 or
 * RFC 8200 §8.1 as well. 0 where the field holds the right checksum.
 */
export function tcpChecksum(packet: Uint8Array, family: 4 | 6, from: number, to: number): number {
  const [start, end] = family === 4 ? [12, 20] : [8, 40];
  const tcp = 6;
  const pseudo = onesSum(packet, start, end, tcp + (to - from));
  return ~onesSum(packet, from, to, pseudo) & 0xffff;
}
