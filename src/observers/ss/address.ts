import type { Address } from '../../tcp/address.ts';

/** One end as `ss` prints it, with the family of the socket that it shows. */
export interface SsEnd {
  readonly at: Address;
  readonly family: 4 | 6;
}

const mappedPrefix = '::ffff:';

/**
 * Parse `127.0.0.1:80`, `127.0.0.1%lo:80`, `[::1]:80`, `[fe80::1]%eth0:80`, `[::ffff:127.0.0.1]:80`, `*:80`, `0.0.0.0:*`.
 * `*` is the IPv6 wildcard of a socket that takes IPv4 too (iproute2's inet_addr_print). Undefined for anything else.
 */
export function parseEnd(text: string): SsEnd | undefined {
  const colon = text.lastIndexOf(':');
  const port = parsePort(text, colon + 1);
  if (colon < 1 || port === undefined) return undefined;
  if (text.charCodeAt(0) === 91) {
    const close = text.indexOf(']');
    if (close < 0 || close > colon) return undefined;
    const address = withoutZone(text, 1, close);
    const mapped = address.startsWith(mappedPrefix) && address.includes('.');
    return { at: { address: mapped ? address.slice(mappedPrefix.length) : address, port }, family: 6 };
  }
  const address = withoutZone(text, 0, colon);
  if (address === '*') return { at: { address: '::', port }, family: 6 };
  return address.includes('.') ? { at: { address, port }, family: 4 } : undefined;
}

function withoutZone(text: string, from: number, to: number): string {
  const zone = text.indexOf('%', from);
  return text.slice(from, zone < 0 || zone > to ? to : zone);
}

function parsePort(text: string, from: number): number | undefined {
  if (text.charCodeAt(from) === 42 && text.length === from + 1) return 0;
  let port = 0;
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return text.length > from && port < 65_536 ? port : undefined;
}
