import type { Reuse } from 'lingerlab';
import {
  type Attempt,
  areBound,
  areRefused,
  attempts,
  bindOf,
  type Facts,
  has,
  isBound,
  refused,
  reuses,
} from './newcomer.ts';

/** What holds of a new socket beside any old one, bound, listening or connected. */

/** The old socket's factors; what it is, each experiment says itself. */
export const oldSocket = {
  // net's own way first
  reuse: ['addr', 'none', 'port', 'both'],
  held: ['own', 'wildcard'],
  // the new socket's; only SO_REUSEPORT asks, so that an old socket without options is tried with --all alone
  user: ['same', 'other'],
  // each at an old socket of its own, with --all: that they share one changes nothing
  tries: ['together', 'each-alone'],
} as const;
/** The user nobody. */
export const nobody = 65_534;

export const blocksWithoutOption = {
  id: 'blocks-without-option',
  text: 'a new socket without SO_REUSEADDR and SO_REUSEPORT is refused beside an old one on its address, bound, listening or connected',
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
  holds: (facts: Facts) => areRefused(facts, 'none'),
} as const;

export const bothMustShareAnOption = {
  id: 'both-must-share-an-option',
  text: 'what only one of the two sockets has set does not help, nor SO_REUSEADDR on one and SO_REUSEPORT on the other',
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c asks sk and sk2',
  holds: (facts: Facts, { reuse }: { readonly reuse: Reuse }) =>
    reuses
      .filter((again) => !(['addr', 'port'] as const).some((option) => has(reuse, option) && has(again, option)))
      .every((again) => facts[`own.${again}`] === refused),
} as const;

export const reuseportBesideAnything = {
  id: 'reuseport-beside-anything',
  text: 'with SO_REUSEPORT on both, and one user, a port is bound again beside a bound socket, a listener and a connection',
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuseport of both, uid_eq(); socket(7)',
  holds: (facts: Facts) => areBound(facts, 'port'),
} as const;

export const reuseportIsOneUsers = {
  id: 'reuseport-is-one-users',
  text: "SO_REUSEPORT on both shares a port among one user's sockets only: another user's is refused, even where the first is root's",
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: uid_eq(); socket(7): SO_REUSEPORT',
  holds: (facts: Facts) => areRefused(facts, 'port'),
} as const;

export const otherAddressIsFree = {
  id: 'other-address-is-free',
  text: 'on another address of the machine the port is free, whatever a socket of one address left',
  source: 'inet_bhash2_conflict() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
  holds: (facts: Facts) => reuses.every((again) => isBound(facts[`other.${again}`])),
} as const;

export const wildcardAsksTheSame = {
  id: 'wildcard-asks-the-same',
  text: 'the wildcard is bound and refused exactly as the address itself',
  source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
  holds: (facts: Facts) =>
    reuses.every((again) => bindOf(facts[`wildcard.${again}`]) === bindOf(facts[`own.${again}`])),
} as const;

export const boundIsAsGoodAsListening = {
  id: 'bound-is-as-good-as-listening',
  text: 'where bind(2) succeeded and nobody else listens since, listen(2) succeeds and a client connects',
  source:
    'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c asks for the port again: only a listener could refuse it now',
  holds: (facts: Facts) =>
    attempts.filter((attempt) => isBound(facts[attempt])).every((attempt) => facts[attempt] === 'ok'),
} as const;

/** The outcomes whose new sockets share one old socket. */
interface Together {
  readonly cell: Readonly<Record<string, unknown>>;
  readonly facts: Facts;
}

/** Whether bind(2) said the same in cells that differ in these values alone, where both ran: facts are read of such pairs only. */
export const alike = <O extends Together>(
  outcomes: readonly O[],
  are: (cell: O['cell']) => boolean,
  but: Partial<O['cell']>,
  of: readonly Attempt[] = attempts,
): boolean =>
  outcomes
    .filter(({ cell }) => are(cell))
    .every((one) => {
      const other = Object.entries({ ...one.cell, ...but });
      const found = outcomes.find(({ cell }) => other.every(([name, value]) => cell[name] === value));
      return !found || of.every((attempt) => bindOf(found.facts[attempt]) === bindOf(one.facts[attempt]));
    });

export const wildcardRefusesTheSame = {
  id: 'wildcard-refuses-the-same',
  text: 'a server that was on the wildcard leaves the port of its address as one that was on the address alone',
  source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
  holds: (outcomes: readonly Together[]) =>
    alike(
      outcomes,
      ({ tries, held }) => tries === 'together' && held === 'wildcard',
      { held: 'own' },
      attempts.filter((attempt) => !attempt.startsWith('other.')),
    ),
} as const;
