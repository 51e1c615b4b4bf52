/** An address and a port as the kernel prints them; IPv4-mapped IPv6 addresses are kept as IPv4. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

export const sameAddress = (a: Address, b: Address): boolean => a.port === b.port && a.address === b.address;
