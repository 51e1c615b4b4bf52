import { BlockList } from 'node:net';
import type { Network } from '../tcp/network.ts';
import { type End, ends } from '../tcp/states.ts';

/** The one at which a peer listens and from which it connects, or another one of the same end. */
type Which = 'own' | 'other';

const wide = ['own', 'other'] as const;
const families = [4, 6] as const;

/**
 * The addresses of a cell. Trace events are of the whole machine and carry no namespace: except for `::1`, no other cell at work has
 * these, of no run. `::1` stays: any other address of `lo` is no loopback for tcp_tw_reuse=2, tcp_twsk_unique() in net/ipv4/tcp_ipv4.c.
 */
export interface Addresses {
  readonly of: (end: End, family: 4 | 6, which?: Which) => string;
  /** On the network of a link, of neither end: what one end sees of the other where the wire translates. */
  readonly translated: (family: 4 | 6) => string;
  /** Those that the cell alone has. */
  readonly alone: readonly string[];
  /** Whether it is one of those from which the cells of all runs have theirs, and none of this cell's. */
  readonly isOthers: (address: string) => boolean;
}

/** `block`: the run's block of ports, which no other run has; `serial` counts the run's cells. */
export function addressesOf(network: Network, block: number, serial: number): Addresses {
  const of = network === 'loopback' ? onLoopback(block, serial) : onLink(block, serial);
  const all = ends.flatMap((end) => families.flatMap((family) => wide.map((which) => of(end, family, which))));
  const translated = (family: 4 | 6) => hostOn(block, serial, family, hosts.translated);
  const seen = network === 'loopback' ? [] : families.map(translated);
  const alone = [...new Set([...all, ...seen])].filter((address) => address !== '::1');
  return {
    of: (end, family, which = 'own') => of(end, family, which),
    translated,
    alone,
    isOthers: (address) => !alone.includes(address) && pool.check(address, address.includes(':') ? 'ipv6' : 'ipv4'),
  };
}

type Of = (end: End, family: 4 | 6, which: Which) => string;

/** What every cell's addresses are of. */
const pool = new BlockList();
pool.addSubnet('127.64.0.0', 10);
pool.addSubnet('10.64.0.0', 10);
pool.addSubnet('fd77::', 16, 'ipv6');

/** Of 8192 cells in turn, while a run has ports for 1024 at a time. */
const nthOf = (serial: number): number => serial & 8191;

/** A network of each cell. No word is 0, which would be a part of `::`. */
const six = (block: number, serial: number, host: number): string =>
  `fd77:${(block + 1).toString(16)}:${(nthOf(serial) + 1).toString(16)}::${host}`;

const hosts = { own: { client: 1, server: 2 }, other: { client: 3, server: 4 }, loopback: 5, translated: 6 } as const;

/** Both ends are in one namespace, and have the same. Two parts of 127/8 that never meet: there are 22 blocks of ports. */
function onLoopback(block: number, serial: number): Of {
  const four = (first: number) => `127.${first + block}.${(serial >> 8) & 255}.${serial & 255}`;
  const addresses = {
    4: { own: four(64), other: four(96) },
    6: { own: '::1', other: six(block, serial, hosts.loopback) },
  } as const;
  return (_end, family, which) => addresses[family][which];
}

/** A network of eight addresses for each cell. */
function four(block: number, serial: number, host: number): string {
  const nth = nthOf(serial);
  return `10.${64 + block}.${nth >> 5}.${((nth & 31) << 3) | host}`;
}

const hostOn = (block: number, serial: number, family: 4 | 6, host: number): string =>
  family === 4 ? four(block, serial, host) : six(block, serial, host);

const onLink =
  (block: number, serial: number): Of =>
  (end, family, which) =>
    hostOn(block, serial, family, hosts[which][end]);

/** The same in each cell with a veth, RFC 4291 §2.5.6. */
export const linkLocal: Readonly<Record<End, string>> = { client: 'fe80::1', server: 'fe80::2' };

/** Of a link's networks, IPv4 and IPv6. */
export const prefixLengths = { 4: 29, 6: 64 } as const;
