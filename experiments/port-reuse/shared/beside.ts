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

/** Factors and claims of a new socket beside an old one that is bound, listens or is connected. */

/** Factors that the experiments have in common. */
export const oldSocket = {
  reuse: ['addr', 'none', 'port', 'both'],
  held: ['own', 'wildcard'],
  // only SO_REUSEPORT asks for the user: an old socket without options is tried with --all alone
  user: ['same', 'other'],
  // with --all, each new socket is tried beside an old socket of its own, which changes nothing
  tries: ['together', 'each-alone'],
} as const;
/** Texts of these factors. */
export const oldSocketWords = {
  reuse: {
    text: 'options of the old socket',
    values: {
      addr: 'SO_REUSEADDR, as net sets it',
      none: 'none',
      port: 'SO_REUSEPORT',
      both: 'SO_REUSEADDR and SO_REUSEPORT',
    },
  },
  held: { text: 'where the old socket is bound', values: { own: 'on one address', wildcard: 'on the wildcard' } },
  user: {
    text: 'the user of the new socket',
    values: { same: 'the user of the old socket', other: 'another: the user nobody, beside a socket of root' },
  },
  tries: {
    text: 'the new sockets',
    values: {
      together: 'are tried beside one old socket',
      'each-alone': 'are each tried beside an old socket of its own',
    },
  },
} as const;
/** The user nobody. */
export const nobody = 65_534;

export const blocksWithoutOption = {
  id: 'blocks-without-option',
  text: 'bind(2) of a new socket without SO_REUSEADDR or SO_REUSEPORT fails with EADDRINUSE on the address of an old socket and on the wildcard',
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
  holds: (facts: Facts) => areRefused(facts, 'none'),
} as const;

export const bothMustShareAnOption = {
  id: 'both-must-share-an-option',
  text: 'an option that only one of the two sockets has does not help, nor does SO_REUSEADDR on one and SO_REUSEPORT on the other',
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c asks sk and sk2',
  holds: (facts: Facts, { reuse }: { readonly reuse: Reuse }) =>
    reuses
      .filter((again) => !(['addr', 'port'] as const).some((option) => has(reuse, option) && has(again, option)))
      .every((again) => facts[`own.${again}`] === refused),
} as const;

/** Of the experiment's own old sockets. */
export const reuseportBeside = (old: string) =>
  ({
    id: 'reuseport-beside-anything',
    text: `with SO_REUSEPORT on both sockets, of one user, a new socket binds the port beside ${old}`,
    source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuseport of both, uid_eq(); socket(7)',
    holds: (facts: Facts) => areBound(facts, 'port'),
  }) as const;

export const reuseportIsOneUsers = {
  id: 'reuseport-is-one-users',
  text: "beside a full socket, SO_REUSEPORT on both shares a port among one user's sockets only: bind(2) of another user fails, tried as the user `nobody` beside a socket of root",
  source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: uid_eq(); socket(7): SO_REUSEPORT',
  holds: (facts: Facts) => areRefused(facts, 'port'),
} as const;

export const otherAddressIsFree = {
  id: 'other-address-is-free',
  text: 'on an address of the machine that the old socket does not have, the port is free',
  source: 'inet_bhash2_conflict() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
  holds: (facts: Facts) => reuses.every((again) => isBound(facts[`other.${again}`])),
} as const;

export const wildcardAsksTheSame = {
  id: 'wildcard-asks-the-same',
  text: 'bind(2) to the wildcard succeeds and fails exactly as bind(2) to the address of the old socket',
  source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
  holds: (facts: Facts) =>
    reuses.every((again) => bindOf(facts[`wildcard.${again}`]) === bindOf(facts[`own.${again}`])),
} as const;

export const boundIsAsGoodAsListening = {
  id: 'bound-is-as-good-as-listening',
  text: 'if bind(2) succeeds and no other socket begins to listen, listen(2) succeeds and a client connects',
  source: 'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c checks the port again',
  holds: (facts: Facts) =>
    attempts.filter((attempt) => isBound(facts[attempt])).every((attempt) => facts[attempt] === 'ok'),
} as const;

/** The outcomes whose new sockets share one old socket. */
interface Together {
  readonly cell: Readonly<Record<string, unknown>>;
  readonly facts: Facts;
}

/** Whether bind(2) had the same outcome in cells that differ in these values alone; reads facts only of pairs that ran. */
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
  text: 'on an address, an old socket that was bound on the wildcard blocks the port exactly as one that was bound on that address',
  source: 'inet_rcv_saddr_equal() with match_wildcard, net/ipv4/inet_connection_sock.c',
  holds: (outcomes: readonly Together[]) =>
    alike(
      outcomes,
      ({ tries, held }) => tries === 'together' && held === 'wildcard',
      { held: 'own' },
      attempts.filter((attempt) => !attempt.startsWith('other.')),
    ),
} as const;
