import { type BindOptions, experiment, finding, type Kind, kind, share } from 'lingerlab';

/** Where a socket is bound: on one address or the wildcard, of IPv4, IPv6 or both. */
const sockets = {
  'ipv4-loopback': { at: { address: '127.0.0.1' } },
  'mapped-loopback': { at: { address: '::ffff:127.0.0.1' } },
  'ipv4-wildcard': { at: { address: '0.0.0.0' } },
  'mapped-wildcard': { at: { address: '::ffff:0.0.0.0' } },
  'dual-wildcard': { at: { address: '::' }, ipv6Only: false },
  'ipv6-wildcard': { at: { address: '::' }, ipv6Only: true },
  'ipv6-loopback': { at: { address: '::1' }, ipv6Only: false },
  'ipv6-loopback-only': { at: { address: '::1' }, ipv6Only: true },
} as const satisfies Record<string, BindOptions>;
type Name = keyof typeof sockets;
const names = Object.keys(sockets) as Name[];
/** A mapped address with IPV6_V6ONLY on, which contradict each other. */
const contradiction = { at: { address: '::ffff:127.0.0.1' }, ipv6Only: true } as const satisfies BindOptions;

/** The addresses whose port such a socket takes. */
const taken: Readonly<Record<Name, readonly ('127.0.0.1' | 'other IPv4' | '::1' | 'other IPv6')[]>> = {
  'ipv4-loopback': ['127.0.0.1'],
  'mapped-loopback': ['127.0.0.1'],
  'ipv4-wildcard': ['127.0.0.1', 'other IPv4'],
  'mapped-wildcard': ['127.0.0.1', 'other IPv4'],
  'dual-wildcard': ['127.0.0.1', 'other IPv4', '::1', 'other IPv6'],
  'ipv6-wildcard': ['::1', 'other IPv6'],
  'ipv6-loopback': ['::1'],
  'ipv6-loopback-only': ['::1'],
};
/** Whether two sockets take the port of one address. */
const overlap = (one: Name, two: Name) => taken[one].some((address) => taken[two].includes(address));

/** The address that a client connects to: IPv4, the same on an IPv6 socket, and IPv6. */
const routes = { ipv4: '127.0.0.1', mapped: '::ffff:127.0.0.1', ipv6: '::1' } as const;
const routeNames = ['ipv4', 'mapped', 'ipv6'] as const;

const socketWords: Readonly<Record<Name, string>> = {
  'ipv4-loopback': 'on 127.0.0.1',
  'mapped-loopback': 'on ::ffff:127.0.0.1',
  'ipv4-wildcard': 'on 0.0.0.0',
  'mapped-wildcard': 'on ::ffff:0.0.0.0',
  'dual-wildcard': 'on ::, IPV6_V6ONLY off',
  'ipv6-wildcard': 'on ::, IPV6_V6ONLY on',
  'ipv6-loopback': 'on ::1, IPV6_V6ONLY off',
  'ipv6-loopback-only': 'on ::1, IPV6_V6ONLY on',
};

type Measure = `${'bind' | 'listen'}.${Name}` | 'bind.contradiction' | `reached.${keyof typeof routes}`;
const measures = Object.fromEntries(
  [
    ...names.flatMap((name) =>
      (['bind', 'listen'] as const).map((call) => [
        `${call}.${name}`,
        `outcome of ${call}(2) of a second socket ${socketWords[name]}`,
      ]),
    ),
    ['bind.contradiction', 'outcome of bind(2) to ::ffff:127.0.0.1 with IPV6_V6ONLY on'],
    ...routeNames.map((route) => [
      `reached.${route}`,
      `outcome of a connection to the first socket at ${routes[route]}`,
    ]),
  ].map(([name, text]) => [name, kind.outcome({ text: text as string })]),
) as Record<Measure, Kind<string>>;

const outcome = (answer: { ok: true } | { ok: false; errno: string }) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'mapped-addresses',
  question: 'Does a socket on an IPv4-mapped address (::ffff:…) take the port of the IPv4 address?',
  tags: ['IPv6', 'IPv4-mapped', '::ffff:', 'IPV6_V6ONLY', 'bind(2)', 'EADDRINUSE', 'EINVAL'],
  symptoms: ['::ffff:127.0.0.1', 'IPv4 address in an IPv6 socket'],
  factors: {
    first: names,
    left: ['BOUND', 'LISTEN'],
    reuse: ['none', 'addr', 'port'],
  },
  words: {
    first: { text: 'the first socket', values: socketWords },
    left: {
      text: 'what the first socket does',
      values: { BOUND: 'it is bound, without listening', LISTEN: 'it listens' },
    },
    reuse: { text: 'option of both sockets', values: { none: 'none', addr: 'SO_REUSEADDR', port: 'SO_REUSEPORT' } },
  },
  only: ({ left, reuse }) => left === 'LISTEN' || reuse !== 'port',
  seconds: 0.3,
  connections: routeNames,
  measures,
  shows: [
    ...names.map((name) => `bind.${name}` as const),
    'bind.contradiction',
    ...routeNames.map((route) => `reached.${route}` as const),
  ],

  async scenario({ client, server, note }, { first: name, left, reuse }) {
    const first = await server.bind({ ...sockets[name], reuse });
    const { port } = first.at;
    if (left === 'LISTEN') {
      const listener = await first.listen();
      for (const route of routeNames) {
        const near = await client.open(client.place({ at: { address: routes[route] }, port }), { as: route });
        const connected = await near.connected().answer();
        note(`reached.${route}`, outcome(connected));
        if (!connected.ok) continue;
        await listener.accepted(near);
        await near.close('resetAndDestroy');
      }
    }
    for (const second of names) {
      const binding = await server.bind({ ...sockets[second], reuse, port }).answer();
      note(`bind.${second}`, outcome(binding));
      if (!binding.ok) continue;
      const listening = await binding.value.listen().answer();
      note(`listen.${second}`, outcome(listening));
      await (listening.ok ? listening.value : binding.value).close();
    }
    note('bind.contradiction', outcome(await server.bind({ ...contradiction, reuse, port }).answer()));
  },

  claims: [
    {
      id: 'mapped-is-ipv4',
      text: 'with IPV6_V6ONLY off, bind(2) to an IPv4-mapped address succeeds and fails exactly as bind(2) to the IPv4 address, for the wildcard, too',
      source: 'ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c: both IPV6_ADDR_MAPPED, compared as IPv4',
      holds: (facts) =>
        facts['bind.mapped-loopback'] === facts['bind.ipv4-loopback'] &&
        facts['bind.mapped-wildcard'] === facts['bind.ipv4-wildcard'],
    },
    {
      id: 'refused-where-an-address-is-shared',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, bind(2) of the second socket fails exactly if both take the same address: `::` takes those of IPv4, too, unless IPV6_V6ONLY is on; a mapped address takes none of IPv6',
      source: 'bind_wildcard.c in tools/testing/selftests/net; ipv6_rcv_saddr_equal()',
      when: ({ reuse }) => reuse === 'none',
      holds: (facts, { first }) =>
        names.every((second) => facts[`bind.${second}`] === (overlap(first, second) ? 'EADDRINUSE' : 'ok')),
    },
    {
      id: 'reuseaddr-until-one-listens',
      text: 'with SO_REUSEADDR on both sockets, any two bind together, but none binds beside a listener with which it shares an address',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both, sk2 not in TCP_LISTEN',
      when: ({ reuse }) => reuse === 'addr',
      holds: (facts, { first, left }) =>
        names.every((second) => {
          const refused = left === 'LISTEN' && overlap(first, second);
          return facts[`bind.${second}`] === (refused ? 'EADDRINUSE' : 'ok');
        }),
    },
    {
      id: 'reuseport-together',
      text: 'with SO_REUSEPORT on both sockets, of one user, any two bind and listen together',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuseport of both, uid_eq(); socket(7)',
      when: ({ reuse }) => reuse === 'port',
      holds: (facts) => names.every((second) => facts[`bind.${second}`] === 'ok' && facts[`listen.${second}`] === 'ok'),
    },
    {
      id: 'mapped-and-ipv6-only',
      text: 'with IPV6_V6ONLY on, bind(2) to a mapped address fails with EINVAL, whether the port is free or not',
      source: '__inet6_bind() in net/ipv6/af_inet6.c: IPV6_ADDR_MAPPED and ipv6_only_sock()',
      holds: (facts) => facts['bind.contradiction'] === 'EINVAL',
    },
    {
      id: 'mapped-serves-ipv4',
      text: 'a client reaches a listener exactly at the addresses that it takes: a listener on a mapped address over IPv4, from IPv4 and IPv6 sockets, and not over IPv6',
      source: 'RFC 4291 §2.5.5.2; inet_hash() and compute_score() in net/ipv4/inet_hashtables.c',
      when: ({ left }) => left === 'LISTEN',
      holds: (facts, { first }) =>
        routeNames.every((route) => {
          const address = route === 'ipv6' ? '::1' : '127.0.0.1';
          return facts[`reached.${route}`] === (taken[first].includes(address) ? 'ok' : 'ECONNREFUSED');
        }),
    },
  ],

  across: [
    {
      id: 'order-does-not-matter',
      text: 'the order in which two sockets on different addresses bind does not change whether bind(2) of the second succeeds',
      source: 'bind_wildcard.c in tools/testing/selftests/net: v4_v6 and v6_v4',
      holds(outcomes) {
        const pairs = outcomes.flatMap((one) =>
          outcomes
            .filter(({ cell }) => cell.left === one.cell.left && cell.reuse === one.cell.reuse)
            .filter(({ cell }) => cell.first !== one.cell.first)
            .map((other) => [one.facts[`bind.${other.cell.first}`], other.facts[`bind.${one.cell.first}`]] as const),
        );
        return pairs.length === 0 ? undefined : pairs.every(([there, back]) => there === back);
      },
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const alike = outcomes.filter(
      ({ facts }) =>
        facts['bind.mapped-loopback'] === facts['bind.ipv4-loopback'] &&
        facts['bind.mapped-wildcard'] === facts['bind.ipv4-wildcard'],
    );
    const beside = (...firsts: readonly Name[]) =>
      outcomes.filter(({ cell }) => cell.reuse === 'none' && firsts.includes(cell.first));
    const binds = (of: Outcomes, outcome: string, ...seconds: readonly Name[]) =>
      of.filter(({ facts }) => seconds.every((second) => facts[`bind.${second}`] === outcome));
    const ipv4 = beside('ipv4-loopback', 'ipv4-wildcard');
    const mapped = beside('mapped-loopback', 'mapped-wildcard');
    const listeners = outcomes.filter(
      ({ cell }) => cell.left === 'LISTEN' && (cell.first === 'mapped-loopback' || cell.first === 'mapped-wildcard'),
    );
    const reached = listeners.filter(
      ({ facts }) =>
        facts['reached.ipv4'] === 'ok' && facts['reached.mapped'] === 'ok' && facts['reached.ipv6'] === 'ECONNREFUSED',
    );
    const contradicted = outcomes.filter(({ facts }) => facts['bind.contradiction'] === 'EINVAL');
    return {
      headline:
        alike.length === outcomes.length
          ? 'An IPv4-mapped address (::ffff:127.0.0.1) takes the port of the IPv4 address.'
          : `bind(2) treats an IPv4-mapped address as the IPv4 address in ${share(alike, outcomes)} cases only.`,
      findings: [
        finding(
          share(alike, outcomes),
          'With IPV6_V6ONLY off, bind(2) to a mapped address succeeds and fails exactly as to the IPv4 address.',
        ),
        finding(
          share(binds(ipv4, 'EADDRINUSE', 'mapped-loopback', 'mapped-wildcard'), ipv4),
          'Without SO_REUSEADDR or SO_REUSEPORT, bind(2) to a mapped address fails with EADDRINUSE beside an IPv4 socket.',
        ),
        finding(
          share(binds(mapped, 'ok', 'ipv6-wildcard', 'ipv6-loopback'), mapped),
          'Beside a socket on a mapped address, a socket on ::1, or on :: with IPV6_V6ONLY on, binds the same port.',
        ),
        finding(
          share(binds(mapped, 'EADDRINUSE', 'dual-wildcard'), mapped),
          'Without SO_REUSEADDR or SO_REUSEPORT, bind(2) to :: with IPV6_V6ONLY off fails with EADDRINUSE beside a socket on a mapped address.',
        ),
        finding(
          share(reached, listeners),
          'Clients reach a listener on a mapped address over IPv4, and not over IPv6.',
        ),
        finding(share(contradicted, outcomes), 'With IPV6_V6ONLY on, bind(2) to a mapped address fails with EINVAL.'),
      ],
    };
  },
});
