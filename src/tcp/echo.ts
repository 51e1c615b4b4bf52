import { addressBytes } from './address-text.ts';
import { headerChecksum, onesSum } from './checksum.ts';

/** Types of echo request and reply, and the protocol's number: RFC 792; RFC 4443 §4. */
const kinds = {
  4: { protocol: 1, request: 8, reply: 0 },
  6: { protocol: 58, request: 128, reply: 129 },
} as const;
const echoLength = 8;

function ipHeader(source: Uint8Array, destination: Uint8Array): Buffer {
  if (source.length === 4) {
    const header = Buffer.alloc(20);
    header.set([0x45, 0, 0, 20 + echoLength, 0, 0, 0x40, 0, 64, kinds[4].protocol]);
    header.set(source, 12);
    header.set(destination, 16);
    header.writeUInt16BE(headerChecksum(header, header.length), 10);
    return header;
  }
  const header = Buffer.alloc(40);
  header.set([0x60, 0, 0, 0, 0, echoLength, kinds[6].protocol, 64]);
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}

/** The packet of an echo request; `token`: 32 bits of identifier and sequence number, which the reply repeats. */
export function echoRequest(source: string, destination: string, token: number): Buffer {
  const ip = ipHeader(addressBytes(source), addressBytes(destination));
  const family = ip.length === 20 ? 4 : 6;
  const echo = Buffer.alloc(echoLength);
  echo[0] = kinds[family].request;
  echo.writeUInt32BE(token >>> 0, 4);
  // ICMPv6 sums the pseudo header of RFC 8200 §8.1, too
  const pseudo = family === 6 ? onesSum(ip, 8, 40, kinds[6].protocol + echoLength) : 0;
  echo.writeUInt16BE(~onesSum(echo, 0, echoLength, pseudo) & 0xffff, 2);
  return Buffer.concat([ip, echo]);
}

/** The token of an echo reply whose ICMP message begins at `from`; undefined where it is none. */
export function echoReplied(bytes: Uint8Array, family: 4 | 6, protocol: number, from: number): number | undefined {
  const { protocol: icmp, reply } = kinds[family];
  if (protocol !== icmp || bytes.length < from + echoLength || bytes[from] !== reply) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(from + 4);
}
