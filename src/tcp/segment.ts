import type { Address } from './address.ts';
import { addressBytes, addressText } from './address-text.ts';
import { headerChecksum, tcpChecksum } from './checksum.ts';
import { echoReplied } from './echo.ts';
import { formatOptions, parseOptions, type TcpOption } from './header-options.ts';

/** What an IP header says besides addresses and lengths. */
export type IpHeader =
  | {
      readonly family: 4;
      /** Time to live. */
      readonly hops: number;
      /** DSCP and ECN. */
      readonly trafficClass: number;
      readonly identification: number;
      readonly dontFragment: boolean;
      /** IPv4 options, hexadecimal; a multiple of 4 bytes. */
      readonly options: string;
    }
  | { readonly family: 6; readonly hops: number; readonly trafficClass: number; readonly flowLabel: number };

/** A TCP segment in its IP packet. Numbers are as on the wire: absolute, the window not scaled. */
export interface TcpSegment {
  readonly kind: 'tcp';
  readonly ip: IpHeader;
  readonly source: Address;
  readonly destination: Address;
  readonly seq: number;
  readonly ack: number;
  /** The 12 bits after the data offset. */
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  readonly payload: Uint8Array;
  /** Whether every checksum was right. */
  readonly intact: boolean;
}

/** Packet that is no TCP segment, with the reason. */
export interface OtherPacket {
  readonly kind: 'other';
  readonly why: 'no-ip' | 'truncated' | 'bad-length' | 'fragment' | 'extension-header' | 'no-tcp';
  /** Number of the next protocol, if a header has it: 58 is ICMPv6, with neighbour discovery and MLD. */
  readonly protocol?: number;
  /** The token of an echo reply. */
  readonly echoed?: number;
}
export type Packet = TcpSegment | OtherPacket;

const other = (why: OtherPacket['why'], protocol?: number): OtherPacket => ({
  kind: 'other',
  why,
  ...(protocol !== undefined && { protocol }),
});

/** What is whole, and another protocol's. */
function noTcp(bytes: Uint8Array, family: 4 | 6, protocol: number, from: number): OtherPacket {
  const echoed = echoReplied(bytes, family, protocol, from);
  return { ...other('no-tcp', protocol), ...(echoed !== undefined && { echoed }) };
}

const TCP = 6;
/** Hop-by-hop, routing, destination options, authentication: headers that may come before TCP, RFC 8200 §4. */
const extensions = new Set([0, 43, 51, 60]);
const fragmentHeader = 44;

interface Placed {
  readonly ip: IpHeader;
  /** Where TCP begins and the packet ends. */
  readonly from: number;
  readonly to: number;
}

function placed4(bytes: Uint8Array, view: DataView): Placed | OtherPacket {
  if (bytes.length < 20) return other('truncated');
  const from = ((bytes[0] as number) & 15) * 4;
  const to = view.getUint16(2);
  const protocol = bytes[9] as number;
  if (from < 20 || to < from) return other('bad-length', protocol);
  if (to > bytes.length) return other('truncated', protocol);
  const fragmentation = view.getUint16(6);
  // more fragments, or an offset
  if (fragmentation & 0x3fff) return other('fragment', protocol);
  if (protocol !== TCP) return noTcp(bytes, 4, protocol, from);
  const ip: IpHeader = {
    family: 4,
    hops: bytes[8] as number,
    trafficClass: bytes[1] as number,
    identification: view.getUint16(4),
    dontFragment: (fragmentation & 0x4000) !== 0,
    options: Buffer.from(bytes.subarray(20, from)).toString('hex'),
  };
  return { ip, from, to };
}

function placed6(bytes: Uint8Array, view: DataView): Placed | OtherPacket {
  if (bytes.length < 40) return other('truncated');
  const protocol = bytes[6] as number;
  const to = 40 + view.getUint16(4);
  if (to > bytes.length) return other('truncated', protocol);
  if (protocol === fragmentHeader) return other('fragment', protocol);
  if (extensions.has(protocol)) return other('extension-header', protocol);
  if (protocol !== TCP) return noTcp(bytes, 6, protocol, 40);
  const first = view.getUint32(0);
  const ip: IpHeader = {
    family: 6,
    hops: bytes[7] as number,
    trafficClass: (first >>> 20) & 255,
    flowLabel: first & 0xfffff,
  };
  return { ip, from: 40, to };
}

/** Parse an IP packet. Never throws: what is no whole TCP segment is an {@link OtherPacket}. The payload is a view. */
export function parse(bytes: Uint8Array): Packet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = (bytes[0] ?? 0) >> 4;
  if (version !== 4 && version !== 6) return other('no-ip');
  const place = version === 4 ? placed4(bytes, view) : placed6(bytes, view);
  if ('kind' in place) return place;
  const { ip, from, to } = place;
  if (to - from < 20) return other('truncated', TCP);
  const header = ((bytes[from + 12] as number) >> 4) * 4;
  if (header < 20 || from + header > to) return other('bad-length', TCP);
  const [source, destination] = version === 4 ? [12, 16] : [8, 24];
  return {
    kind: 'tcp',
    ip,
    source: { address: addressText(bytes, source, version), port: view.getUint16(from) },
    destination: { address: addressText(bytes, destination, version), port: view.getUint16(from + 2) },
    seq: view.getUint32(from + 4),
    ack: view.getUint32(from + 8),
    flags: view.getUint16(from + 12) & 0xfff,
    window: view.getUint16(from + 14),
    urgent: view.getUint16(from + 18),
    options: parseOptions(bytes.subarray(from + 20, from + header)),
    payload: bytes.subarray(from + header, to),
    intact: tcpChecksum(bytes, version, from, to) === 0 && (version === 6 || headerChecksum(bytes, from) === 0),
  };
}

function ipHeader({ ip, source, destination }: TcpSegment, tcpLength: number): Buffer {
  const addresses = [addressBytes(source.address), addressBytes(destination.address)] as const;
  if (ip.family === 6) {
    const header = Buffer.alloc(40);
    header.writeUInt32BE(((6 << 28) | (ip.trafficClass << 20) | ip.flowLabel) >>> 0, 0);
    header.writeUInt16BE(tcpLength, 4);
    header.set([TCP, ip.hops], 6);
    header.set(addresses[0], 8);
    header.set(addresses[1], 24);
    return header;
  }
  const options = Buffer.from(ip.options, 'hex');
  const header = Buffer.alloc(20 + options.length);
  header.set([0x40 | (header.length / 4), ip.trafficClass]);
  header.writeUInt16BE(header.length + tcpLength, 2);
  header.writeUInt16BE(ip.identification, 4);
  header.writeUInt16BE(ip.dontFragment ? 0x4000 : 0, 6);
  header.set([ip.hops, TCP], 8);
  header.set(addresses[0], 12);
  header.set(addresses[1], 16);
  header.set(options, 20);
  header.writeUInt16BE(headerChecksum(header, header.length), 10);
  return header;
}

/** The bytes of a segment's packet with right checksums. Throws RangeError where a field does not fit. */
export function format(segment: TcpSegment): Buffer {
  const options = formatOptions(segment.options);
  const tcp = Buffer.alloc(20 + options.length);
  tcp.writeUInt16BE(segment.source.port, 0);
  tcp.writeUInt16BE(segment.destination.port, 2);
  tcp.writeUInt32BE(segment.seq, 4);
  tcp.writeUInt32BE(segment.ack, 8);
  tcp.writeUInt16BE(((tcp.length / 4) << 12) | segment.flags, 12);
  tcp.writeUInt16BE(segment.window, 14);
  tcp.writeUInt16BE(segment.urgent, 18);
  tcp.set(options, 20);
  const ip = ipHeader(segment, tcp.length + segment.payload.length);
  const packet = Buffer.concat([ip, tcp, segment.payload]);
  packet.writeUInt16BE(tcpChecksum(packet, segment.ip.family, ip.length, packet.length), ip.length + 16);
  return packet;
}
