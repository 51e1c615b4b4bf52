/** Type and code of an ICMP message, by family; absent where that family has none of the kind. */
interface Codes {
  readonly 4?: readonly [type: number, code: number];
  readonly 6?: readonly [type: number, code: number];
}

/**
 * The messages by which a router, or the other host, says what became of a packet: RFC 792, RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1
 * for IPv4, RFC 4443 §3 for IPv6.
 */
const codes = {
  'net-unreachable': { 4: [3, 0], 6: [1, 0] },
  'host-unreachable': { 4: [3, 1], 6: [1, 3] },
  'protocol-unreachable': { 4: [3, 2], 6: [4, 1] },
  'port-unreachable': { 4: [3, 3], 6: [1, 4] },
  'fragmentation-needed': { 4: [3, 4], 6: [2, 0] },
  'source-route-failed': { 4: [3, 5] },
  'admin-prohibited': { 4: [3, 13], 6: [1, 1] },
  'source-quench': { 4: [4, 0] },
  'ttl-exceeded': { 4: [11, 0], 6: [3, 0] },
  'parameter-problem': { 4: [12, 0], 6: [4, 0] },
} as const satisfies Record<string, Codes>;

export type IcmpKind = keyof typeof codes;
export const icmpKinds = Object.keys(codes) as readonly IcmpKind[];

/** Type and code of a message of this kind; throws RangeError where the family has none. */
export function icmpCodes(kind: IcmpKind, family: 4 | 6): { readonly type: number; readonly code: number } {
  const found = (codes[kind] as Codes)[family];
  if (!found) throw new RangeError(`ICMPv${family} has no message '${kind}'`);
  return { type: found[0], code: found[1] };
}

/** A kind in words: `host unreachable`. */
export const icmpText = (kind: IcmpKind): string => kind.replaceAll('-', ' ');
