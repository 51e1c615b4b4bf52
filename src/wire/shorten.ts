import { optionsAt, packetHead } from './pcapng.ts';

/** Bytes of a capture file up to which each packet is whole. */
export const wholeUpTo = 2 ** 20;
/** Bytes of payload that a file has beyond that of a segment which was carried, and nothing more. */
export const payloadKept = 128;

const TCP = 6;

/** How much of a packet its file keeps beyond {@link wholeUpTo}: the headers and the first of its payload; all that is no TCP. */
export function keptOf(packet: Uint8Array): number {
  const version = (packet[0] ?? 0) >> 4;
  const ip = version === 4 ? ((packet[0] as number) & 15) * 4 : 40;
  const isTcp = (version === 4 && packet[9] === TCP) || (version === 6 && packet[6] === TCP);
  if (!isTcp || packet.length < ip + 20) return packet.length;
  const tcp = ((packet[ip + 12] as number) >> 4) * 4;
  return Math.min(packet.length, ip + tcp + payloadKept);
}

const padded = (length: number): number => (length + 3) & ~3;

/**
 * Copy the block of a packet with only the first `kept` bytes of it; `block` is the whole block, `captured` how many bytes of
 * the packet it has. Returns the length of the copy.
 */
function copyShortened(block: Buffer, captured: number, kept: number, into: Buffer, at: number): number {
  const cut = padded(captured) - padded(kept);
  const length = block.length - cut;
  block.copy(into, at, 0, packetHead + kept);
  into.fill(0, at + packetHead + kept, at + packetHead + padded(kept));
  block.copy(into, at + packetHead + padded(kept), packetHead + padded(captured));
  into.writeUInt32LE(length, at + 4);
  into.writeUInt32LE(kept, at + 20);
  into.writeUInt32LE(length, at + length - 4);
  return length;
}

/** Blocks of packets, to be shortened. */
export interface Blocks {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Whether a packet was carried, and nothing more, by the options of its block. */
  readonly isCarried: (options: Buffer) => boolean;
  /** Called with the beginning of each block, in the original and in the copy. */
  readonly moved: (at: number, to: number) => void;
}

/** Copies blocks, and cuts most of the payload of packets that were just carried. Returns the copy's length and the number of cut packets. */
export function shorten({ bytes, from, to, isCarried, moved }: Blocks, into: Buffer): { length: number; cut: number } {
  let length = 0;
  let cut = 0;
  for (let at = from, next = at; at < to; at = next) {
    next = at + bytes.readUInt32LE(at + 4);
    const block = bytes.subarray(at, next);
    const captured = block.readUInt32LE(20);
    const isBulk = isCarried(block.subarray(optionsAt(0, captured), -4));
    const kept = isBulk ? keptOf(block.subarray(packetHead, packetHead + captured)) : captured;
    if (kept < captured) cut++;
    moved(at, length);
    length += copyShortened(block, captured, kept, into, length);
  }
  return { length, cut };
}
