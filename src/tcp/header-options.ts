/** One TCP option, RFC 9293 §3.1. `rest` is what cannot be told apart: an option whose length is impossible, and all after it. */
export type TcpOption =
  | { readonly kind: 'nop' }
  | { readonly kind: 'mss'; readonly value: number }
  /** RFC 7323 §2.2 */
  | { readonly kind: 'wscale'; readonly shift: number }
  /** RFC 2018 §2 */
  | { readonly kind: 'sackOK' }
  /** RFC 2018 §3: left and right edges, absolute. */
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  /** RFC 7323 §3.2: TSval and TSecr. */
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly kind: 'other'; readonly code: number; readonly hex: string }
  | { readonly kind: 'rest'; readonly hex: string };

export const optionKinds = [
  'nop',
  'mss',
  'wscale',
  'sackOK',
  'sack',
  'timestamps',
  'other',
  'rest',
] as const satisfies readonly TcpOption['kind'][];

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

function optionAt(bytes: Uint8Array, view: DataView, at: number, length: number): TcpOption {
  const code = bytes[at] as number;
  if (code === 2 && length === 4) return { kind: 'mss', value: view.getUint16(at + 2) };
  if (code === 3 && length === 3) return { kind: 'wscale', shift: bytes[at + 2] as number };
  if (code === 4 && length === 2) return { kind: 'sackOK' };
  if (code === 5 && length > 2 && (length - 2) % 8 === 0) {
    const blocks = Array.from(
      { length: (length - 2) / 8 },
      (_, index) => [view.getUint32(at + 2 + index * 8), view.getUint32(at + 6 + index * 8)] as const,
    );
    return { kind: 'sack', blocks };
  }
  if (code === 8 && length === 10) {
    return { kind: 'timestamps', value: view.getUint32(at + 2), echo: view.getUint32(at + 6) };
  }
  return { kind: 'other', code, hex: hexOf(bytes.subarray(at + 2, at + length)) };
}

/** The options of a TCP header, without the padding at their end; any bytes are options of some kind. */
export function parseOptions(bytes: Uint8Array): TcpOption[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const options: TcpOption[] = [];
  let at = 0;
  while (at < bytes.length) {
    const code = bytes[at];
    if (code === 1) {
      options.push({ kind: 'nop' });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (code === 0 || length < 2 || at + length > bytes.length) break;
    options.push(optionAt(bytes, view, at, length));
    at += length;
  }
  const rest = bytes.subarray(at);
  if (rest.some((byte) => byte !== 0)) options.push({ kind: 'rest', hex: hexOf(rest) });
  return options;
}

function optionBytes(option: TcpOption): Buffer {
  const words = (code: number, values: readonly number[]) => {
    const bytes = Buffer.alloc(2 + values.length * 4);
    bytes.set([code, bytes.length]);
    values.forEach((value, index) => void bytes.writeUInt32BE(value >>> 0, 2 + index * 4));
    return bytes;
  };
  switch (option.kind) {
    case 'nop':
      return Buffer.of(1);
    case 'mss':
      return Buffer.of(2, 4, option.value >> 8, option.value & 255);
    case 'wscale':
      return Buffer.of(3, 3, option.shift);
    case 'sackOK':
      return Buffer.of(4, 2);
    case 'sack':
      return words(5, option.blocks.flat());
    case 'timestamps':
      return words(8, [option.value, option.echo]);
    case 'other':
      return Buffer.concat([
        Buffer.of(option.code, 2 + option.hex.length / 2) as Uint8Array,
        Buffer.from(option.hex, 'hex'),
      ]);
    case 'rest':
      return Buffer.from(option.hex, 'hex');
  }
}

/** The bytes of options, padded with zeros to a multiple of 4; throws RangeError beyond the 40 that a header has room for. */
export function formatOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes = Buffer.concat(options.map(optionBytes));
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  if (padded.length > 40) throw new RangeError(`TCP options of ${padded.length} bytes: a header has room for 40`);
  bytes.copy(padded);
  return padded;
}
