import { headerChecksum, onesSum } from '../tcp/checksum.ts';
import { type IcmpKind, icmpCodes } from '../tcp/icmp.ts';

/** What a router quotes of an IPv4 packet behind its header, RFC 792. */
const quoted4 = 8;
/** The least MTU of IPv6, which its answer does not exceed: it quotes as much as fits, RFC 4443 §3.1. */
const largest6 = 1280;
/** The last byte of the router's address, on the network of the packet's destination: neither end of a link has it. */
const router = 254;

/** The 32 bits behind the checksum: the MTU of the next hop, of RFC 1191 §4 in the low half. The pointer of a problem stays 0. */
function message(type: number, code: number, mtu: number, quoted: Uint8Array): Buffer {
  const made = Buffer.alloc(8 + quoted.length);
  made[0] = type;
  made[1] = code;
  made.writeUInt32BE(mtu, 4);
  made.set(quoted, 8);
  return made;
}

function answer4(packet: Uint8Array, { type, code, mtu }: Saying): Buffer {
  const header = ((packet[0] as number) & 15) * 4;
  const icmp = message(type, code, mtu, packet.subarray(0, header + quoted4));
  icmp.writeUInt16BE(~onesSum(icmp, 0, icmp.length) & 0xffff, 2);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(ip.length + icmp.length, 2);
  ip[8] = 64;
  ip[9] = 1;
  ip.set(packet.subarray(16, 19), 12);
  ip[15] = router;
  ip.set(packet.subarray(12, 16), 16);
  ip.writeUInt16BE(headerChecksum(ip, ip.length), 10);
  return Buffer.concat([ip, icmp]);
}

function answer6(packet: Uint8Array, { type, code, mtu }: Saying): Buffer {
  const icmp = message(type, code, mtu, packet.subarray(0, largest6 - 40 - 8));
  const ip = Buffer.alloc(40);
  ip[0] = 0x60;
  ip.writeUInt16BE(icmp.length, 4);
  ip[6] = 58;
  ip[7] = 64;
  ip.set(packet.subarray(24, 39), 8);
  ip[23] = router;
  ip.set(packet.subarray(8, 24), 24);
  const pseudo = onesSum(ip, 8, 40, 58 + icmp.length);
  icmp.writeUInt16BE(~onesSum(icmp, 0, icmp.length, pseudo) & 0xffff, 2);
  return Buffer.concat([ip, icmp]);
}

interface Saying {
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
}

/** What an ICMP message says of a packet. */
export interface IcmpSaid {
  readonly kind: IcmpKind;
  /** Of the next hop, of fragmentation that is needed. */
  readonly mtu?: number;
}

/**
 * The ICMP message of a router about a packet, from an address of the link that is neither end's, with its type and code. Throws
 * RangeError where the packet is too short to be quoted, or its family has no such message.
 */
export function icmpAbout(
  packet: Uint8Array,
  { kind, mtu = 0 }: IcmpSaid,
): { bytes: Buffer; type: number; code: number } {
  const family = (packet[0] ?? 0) >> 4 === 6 ? 6 : 4;
  if (packet.length < 40) throw new RangeError(`${packet.length} bytes are no TCP segment`);
  const { type, code } = icmpCodes(kind, family);
  const saying = { type, code, mtu };
  return { bytes: family === 4 ? answer4(packet, saying) : answer6(packet, saying), type, code };
}
