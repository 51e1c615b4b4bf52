import { headerChecksum, onesSum } from '../tcp/checksum.ts';

/** What a router quotes of an IPv4 packet behind its header, RFC 792. */
const quoted4 = 8;
/** The least MTU of IPv6, which its answer does not exceed: it quotes as much as fits, RFC 4443 §3.1. */
const largest6 = 1280;
/** The last byte of the router's address, on the network of the packet's destination: neither end of a link has it. */
const router = 254;

function unreachable4(packet: Uint8Array): Buffer {
  const header = ((packet[0] as number) & 15) * 4;
  const quoted = packet.subarray(0, header + quoted4);
  const answer = Buffer.alloc(20 + 8 + quoted.length);
  answer[0] = 0x45;
  answer.writeUInt16BE(answer.length, 2);
  answer[8] = 64;
  answer[9] = 1;
  answer.set(packet.subarray(16, 19), 12);
  answer[15] = router;
  answer.set(packet.subarray(12, 16), 16);
  answer.writeUInt16BE(headerChecksum(answer, 20), 10);
  // destination unreachable: host
  answer[20] = 3;
  answer[21] = 1;
  answer.set(quoted, 28);
  answer.writeUInt16BE(~onesSum(answer, 20, answer.length) & 0xffff, 22);
  return answer;
}

function unreachable6(packet: Uint8Array): Buffer {
  const quoted = packet.subarray(0, largest6 - 40 - 8);
  const answer = Buffer.alloc(40 + 8 + quoted.length);
  answer[0] = 0x60;
  answer.writeUInt16BE(answer.length - 40, 4);
  answer[6] = 58;
  answer[7] = 64;
  answer.set(packet.subarray(24, 39), 8);
  answer[23] = router;
  answer.set(packet.subarray(8, 24), 24);
  // destination unreachable: address
  answer[40] = 1;
  answer[41] = 3;
  answer.set(quoted, 48);
  const pseudo = onesSum(answer, 8, 40, 58 + answer.length - 40);
  answer.writeUInt16BE(~onesSum(answer, 40, answer.length, pseudo) & 0xffff, 42);
  return answer;
}

/**
 * The ICMP message that says that a packet's destination cannot be reached, type 3 code 1 of RFC 792 or type 1 code 3 of
 * RFC 4443, from an address of the link that is neither end's. Throws RangeError where the packet is too short to be quoted.
 */
export function hostUnreachable(packet: Uint8Array): Buffer {
  const family = (packet[0] ?? 0) >> 4 === 6 ? 6 : 4;
  if (packet.length < 40) throw new RangeError(`${packet.length} bytes are no TCP segment`);
  return family === 4 ? unreachable4(packet) : unreachable6(packet);
}
