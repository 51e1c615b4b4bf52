/** Control bits of a TCP header, RFC 9293 §3.1; AE: RFC 9768. The value of each in the 12 bits after the data offset. */
export const flagBits = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
  AE: 256,
} as const;
export type Flag = keyof typeof flagBits;
/** Lowest first. */
export const flagNames = Object.keys(flagBits) as readonly Flag[];

/** Names of the control bits that are set, lowest first. */
export const namesOf = (flags: number): Flag[] => flagNames.filter((name) => flags & flagBits[name]);
export const bitsOf = (names: readonly Flag[]): number => names.reduce((bits, name) => bits | flagBits[name], 0);
