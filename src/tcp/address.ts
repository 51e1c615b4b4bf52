/** An address and a port as the kernel prints them; IPv4-mapped IPv6 addresses are kept as IPv4. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

export const sameAddress = (a: Address, b: Address): boolean => a.port === b.port && a.address === b.address;

/** `address:port`, an IPv6 address in brackets, RFC 3986 §3.2.2. */
export const addressAndPort = ({ address, port }: Address): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
