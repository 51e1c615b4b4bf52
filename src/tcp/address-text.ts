import { isIPv4, isIPv6 } from 'node:net';

function groupsOf(text: string): number[] {
  const [before = '', after] = text.split('::');
  const groups = (part: string) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const head = groups(before);
  if (after === undefined) return head;
  const tail = groups(after);
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

/** The 4 or 16 bytes of an address's text; throws RangeError for anything else, and for an IPv6 address with a dotted end. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('.') || text.includes('%')) throw new RangeError(`'${text}' is no address`);
  return Uint8Array.from(groupsOf(text).flatMap((group) => [group >> 8, group & 255]));
}

/** The longest run of zero groups, the first of several, RFC 5952 §4.2: its place and length. */
function longestZeros(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { at: index - length + 1, length };
  });
  return best;
}

/** The text of 4 bytes, or of 16 as RFC 5952 §4 has it, at an offset. */
export function addressText(bytes: Uint8Array, at: number, family: 4 | 6): string {
  if (family === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[at + 2 * index] ?? 0) << 8) | (bytes[at + 2 * index + 1] ?? 0),
  );
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.at))}::${hex(groups.slice(zeros.at + zeros.length))}`;
}
