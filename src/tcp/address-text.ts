import { isIPv4, isIPv6 } from 'node:net';
import type { Address } from './address.ts';

/** The 4 or 16 bytes of an address's text; throws RangeError for anything else, and for an address with a zone. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) throw new RangeError(`'${text}' is no address`);
  return Uint8Array.from(wordsOf(text).flatMap((word) => [word >> 8, word & 255]));
}

function wordsOf(text: string): number[] {
  const [before = '', after] = text.split('::');
  const words = (part: string) => (part === '' ? [] : part.split(':').flatMap(wordsIn));
  const head = words(before);
  if (after === undefined) return head;
  const tail = words(after);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

/** Four hexadecimal digits are one word, an IPv4 address at the end is two. */
function wordsIn(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

/**
 * The text of 4 bytes, or of 16 as inet_ntop(3) of glibc prints them, which is RFC 5952's: the first of the longest runs of two
 * or more zero words is `::`, and the last four bytes of an IPv4-compatible or IPv4-mapped address are dotted.
 */
export function addressText(bytes: Uint8Array, at: number, family: 4 | 6): string {
  if (family === 4) return ipv4Text(bytes, at);
  const words = Array.from(
    { length: 8 },
    (_, index) => ((bytes[at + 2 * index] ?? 0) << 8) | (bytes[at + 2 * index + 1] ?? 0),
  );
  const zeros = longestZeros(words);
  if (zeros.at === 0 && zeros.length === 6) return `::${ipv4Text(bytes, at + 12)}`;
  if (isMapped(words, zeros)) return `::ffff:${ipv4Text(bytes, at + 12)}`;
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':');
  if (zeros.length < 2) return hex(words);
  return `${hex(words.slice(0, zeros.at))}::${hex(words.slice(zeros.at + zeros.length))}`;
}

const mappedPrefix = '::ffff:';

/** An IPv4-mapped address's text as IPv4, as an {@link Address} has it; others are unchanged. */
export const withoutMapping = (text: string): string =>
  text.startsWith(mappedPrefix) && text.includes('.') ? text.slice(mappedPrefix.length) : text;

/** An address's text as all observers have it: without scope, IPv4 where it is mapped. */
export const plainText = (text: string): string => withoutMapping(text.split('%')[0] as string);

/** An address as all observers have it: see {@link plainText}. */
export const plainAddress = ({ address, port }: Address): Address => ({ address: plainText(address), port });

/** An address's text as getsockname(2) and inet_ntop(3) would have it, with its scope. */
export function canonicalText(text: string): string {
  const [address = '', scope] = text.split('%');
  const bytes = addressBytes(address);
  return `${addressText(bytes, 0, bytes.length === 4 ? 4 : 6)}${scope === undefined ? '' : `%${scope}`}`;
}

interface Run {
  readonly at: number;
  readonly length: number;
}

/** The longest run of zero words, the first of several: its place and length. */
function longestZeros(words: readonly number[]): Run {
  let best: Run = { at: 0, length: 0 };
  let length = 0;
  words.forEach((word, index) => {
    length = word === 0 ? length + 1 : 0;
    if (length > best.length) best = { at: index - length + 1, length };
  });
  return best;
}

const isMapped = (words: readonly number[], zeros: Run): boolean =>
  zeros.at === 0 && zeros.length === 5 && words[5] === 0xffff;

/** Thousands of sockets and segments share a few addresses: texts by their bytes as one number. */
const texts = new Map<number, string>();

function ipv4Text(bytes: Uint8Array, at: number): string {
  const byte = (nth: number) => bytes[at + nth] ?? 0;
  const key = ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = `${byte(0)}.${byte(1)}.${byte(2)}.${byte(3)}`;
  if (texts.size < 4096) texts.set(key, text);
  return text;
}
