/** `127.0.0.1`, from four bytes. */
export const ipv4Text = (data: DataView, at: number): string =>
  `${data.getUint8(at)}.${data.getUint8(at + 1)}.${data.getUint8(at + 2)}.${data.getUint8(at + 3)}`;

/**
 * Sixteen bytes as `ss` prints them (RFC 5952, glibc's inet_ntop): the first longest run of two or more zero words shortened,
 * lower case, `::1.2.3.4` for an IPv4-compatible address; and an IPv4-mapped address as IPv4.
 */
export function ipv6Text(data: DataView, at: number): string {
  const words = Array.from({ length: 8 }, (_, index) => data.getUint16(at + index * 2));
  const run = longestZeroRun(words);
  if (run.from === 0 && run.length === 5 && words[5] === 0xffff) return ipv4Text(data, at + 12);
  if (run.from === 0 && run.length === 6) return `::${ipv4Text(data, at + 12)}`;
  const hex = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':');
  if (run.length < 2) return hex(words);
  return `${hex(words.slice(0, run.from))}::${hex(words.slice(run.from + run.length))}`;
}

function longestZeroRun(words: readonly number[]): { from: number; length: number } {
  let longest = { from: 0, length: 0 };
  for (let from = 0; from < words.length; ) {
    let to = from;
    while (words[to] === 0) to++;
    if (to - from > longest.length) longest = { from, length: to - from };
    from = to + 1;
  }
  return longest;
}
