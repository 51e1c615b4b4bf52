/**
 * pcapng as draft-ietf-opsawg-pcapng has it: the blocks that a capture of ours is made of, little-endian, and a reader of
 * the same. Every packet is of LINKTYPE_RAW (101): it begins with its IP header. All are of one interface: libpcap 1.10
 * refuses a second one of this type.
 */
const sectionHeaderType = 0x0a0d0d0a;
const interfaceType = 1;
const packetType = 6;
const byteOrderMagic = 0x1a2b3c4d;
const linkTypeRaw = 101;
/** `room`: of those that pcapng leaves to whoever writes a file (bit 15), whose content means nothing and is not shown. */
const option = { end: 0, comment: 1, name: 2, flags: 2, application: 4, resolution: 9, room: 0x8000 } as const;

const padded = (length: number): number => (length + 3) & ~3;

function optionBytes(code: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
const endOfOptions = Buffer.alloc(4);

function block(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.set(body, 8);
  bytes.writeUInt32LE(bytes.length, bytes.length - 4);
  return bytes;
}

/** The block that begins a file, with the name of the program that writes it and a comment. */
export function sectionHeader({ application, comment }: { application: string; comment: string }): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(byteOrderMagic, 0);
  head.writeUInt16LE(1, 4);
  // the section's length is not known
  head.writeBigInt64LE(-1n, 8);
  return block(
    sectionHeaderType,
    head,
    optionBytes(option.comment, Buffer.from(comment)),
    optionBytes(option.application, Buffer.from(application)),
    endOfOptions,
  );
}

/** The interface; its packets' times are in ns (if_tsresol 9). */
export function interfaceDescription({ name, snap }: { name: string; snap: number }): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(linkTypeRaw, 0);
  head.writeUInt32LE(snap, 4);
  return block(
    interfaceType,
    head,
    optionBytes(option.name, Buffer.from(name)),
    optionBytes(option.resolution, Buffer.of(9)),
    endOfOptions,
  );
}

/** Bytes before a packet in its block. */
export const packetHead = 28;

/** epb_flags: bits 0 and 1 are the direction, bits 2 to 4 how it was received. */
const direction = { inbound: 1, outbound: 2 } as const;
const unicast = 1 << 2;

/** Sender of a packet, as its block records it: see {@link packetOptions}. */
export interface Sender {
  readonly direction: keyof typeof direction;
  /** Whether the writer of the file made the packet, and did not receive it. */
  readonly emitted: boolean;
}

/**
 * The option that is a comment, in a place with room for `room` bytes of text, a multiple of 4: what it does not take is an
 * option that no reader shows. A longer text is cut.
 */
export function commentOption(comment: string, room = 0): Buffer {
  const text = Buffer.from(comment);
  const written = optionBytes(option.comment, room > 0 ? text.subarray(0, room) : text);
  const left = room + 4 - written.length;
  return left < 4 ? written : Buffer.concat([written, optionBytes(option.room, Buffer.alloc(left - 4))]);
}

/**
 * The options of a packet's block: its direction, whether it was received (unicast) or emitted (not specified), and its
 * comment, which another of up to `room` bytes may replace: see {@link commentOption}.
 */
export function packetOptions(sender: Sender, comment: string, room = 0): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(direction[sender.direction] | (sender.emitted ? 0 : unicast));
  return Buffer.concat([optionBytes(option.flags, flags), commentOption(comment, room), endOfOptions]);
}

/** Where the comment's option begins in the options. */
export const commentAt = 8;

export interface PacketPlace {
  /** Wall time in ns, as two halves of 32 bits. */
  readonly high: number;
  readonly low: number;
  /** Bytes of the packet in the file, and of the packet as it was. */
  readonly captured: number;
  readonly original: number;
}

/**
 * Makes the block of a packet around its bytes, which lie at `at` + {@link packetHead} already. Returns where the block
 * ends; `optionsAt` of the same arguments returns where its options begin.
 */
export function packetAround(view: DataView, at: number, place: PacketPlace, options: Uint8Array): number {
  const from = optionsAt(at, place.captured);
  const length = from + options.length + 4 - at;
  view.setUint32(at, packetType, true);
  view.setUint32(at + 4, length, true);
  view.setUint32(at + 8, 0, true);
  view.setUint32(at + 12, place.high, true);
  view.setUint32(at + 16, place.low, true);
  view.setUint32(at + 20, place.captured, true);
  view.setUint32(at + 24, place.original, true);
  for (let pad = at + packetHead + place.captured; pad < from; pad++) view.setUint8(pad, 0);
  for (let index = 0; index < options.length; index++) view.setUint8(from + index, options[index] as number);
  view.setUint32(at + length - 4, length, true);
  return at + length;
}

/** Where the options of a packet's block begin. */
export const optionsAt = (at: number, captured: number): number => at + packetHead + padded(captured);

/** A packet as the file has it. */
export interface CapturedPacket extends Sender {
  readonly wallNs: bigint;
  /** A view of the bytes that were read. */
  readonly bytes: Uint8Array;
  readonly original: number;
  readonly comment: string;
}

/** A packet whose block begins at `at`, and where the next block begins; undefined where the block is another or torn. */
export function packetAt(bytes: Buffer, at: number): { packet: CapturedPacket; next: number } | undefined {
  if (at + 12 > bytes.length || bytes.readUInt32LE(at) !== packetType) return undefined;
  const next = at + bytes.readUInt32LE(at + 4);
  if (next > bytes.length) return undefined;
  const captured = bytes.readUInt32LE(at + 20);
  const options = optionsOf(bytes, optionsAt(at, captured), next - 4);
  const flags = options.get(option.flags)?.readUInt32LE() ?? 0;
  const packet: CapturedPacket = {
    direction: (flags & 3) === direction.inbound ? 'inbound' : 'outbound',
    emitted: (flags & unicast) === 0,
    wallNs: (BigInt(bytes.readUInt32LE(at + 12)) << 32n) | BigInt(bytes.readUInt32LE(at + 16)),
    bytes: bytes.subarray(at + packetHead, at + packetHead + captured),
    original: bytes.readUInt32LE(at + 24),
    comment:
      optionsOf(bytes, optionsAt(at, captured), next - 4)
        .get(option.comment)
        ?.toString() ?? '',
  };
  return { packet, next };
}

function optionsOf(bytes: Buffer, from: number, to: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = from;
  while (at + 4 <= to) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (code === option.end) break;
    found.set(code, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + padded(length);
  }
  return found;
}

/** What a capture file holds. */
export interface Pcapng {
  readonly application: string;
  readonly comment: string;
  readonly interfaces: readonly { readonly name: string; readonly linkType: number; readonly resolution: number }[];
  readonly packets: readonly CapturedPacket[];
  /** Bytes at the end that are no whole block: its writer was cut off. */
  readonly torn: number;
}

/** Read a capture of ours; packets are views of its bytes. Throws where it does not begin with our section header. */
export function readPcapng(bytes: Buffer): Pcapng {
  if (bytes.length < 28 || bytes.readUInt32LE(0) !== sectionHeaderType || bytes.readUInt32LE(8) !== byteOrderMagic) {
    throw new TypeError('not a little-endian pcapng file');
  }
  const section = optionsOf(bytes, 24, bytes.readUInt32LE(4) - 4);
  const interfaces: { name: string; linkType: number; resolution: number }[] = [];
  const packets: CapturedPacket[] = [];
  let at = bytes.readUInt32LE(4);
  while (at + 12 <= bytes.length && at + bytes.readUInt32LE(at + 4) <= bytes.length) {
    const next = at + bytes.readUInt32LE(at + 4);
    if (next === at) break;
    if (bytes.readUInt32LE(at) === interfaceType) {
      const options = optionsOf(bytes, at + 16, next - 4);
      const name = options.get(option.name)?.toString() ?? '';
      // without the option, microseconds
      interfaces.push({
        name,
        linkType: bytes.readUInt16LE(at + 8),
        resolution: options.get(option.resolution)?.[0] ?? 6,
      });
    }
    const read = packetAt(bytes, at);
    if (read) packets.push(read.packet);
    at = next;
  }
  return {
    application: section.get(option.application)?.toString() ?? '',
    comment: section.get(option.comment)?.toString() ?? '',
    interfaces,
    packets,
    torn: bytes.length - at,
  };
}
