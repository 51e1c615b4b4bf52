import { type BindOptions, experiment, finding, type Kind, kind, type Listener, share } from 'lingerlab';

/** An address or the wildcard of a family: `::` with IPV6_V6ONLY on, and off. */
const sockets = {
  'ipv4-own': { family: 4 },
  'ipv4-wildcard': { family: 4, at: 'wildcard' },
  'dual-wildcard': { family: 6, at: 'wildcard', ipv6Only: false },
  'ipv6-wildcard': { family: 6, at: 'wildcard', ipv6Only: true },
  'ipv6-own': { family: 6 },
} as const satisfies Record<string, BindOptions>;
type Name = keyof typeof sockets;
const names = Object.keys(sockets) as Name[];
const isWildcard = (name: Name): boolean => 'at' in sockets[name];
/** The IP versions of the clients that reach such a socket. */
const families = (name: Name): readonly (4 | 6)[] => (name === 'dual-wildcard' ? [4, 6] : [sockets[name].family]);
/** Whether two sockets ask for the port of one address: any two of these do that share an IP version. */
const overlap = (one: Name, two: Name) => families(one).some((family) => families(two).includes(family));
const socketWords: Readonly<Record<Name, string>> = {
  'ipv4-own': 'on an IPv4 address',
  'ipv4-wildcard': 'on 0.0.0.0',
  'dual-wildcard': 'on ::, IPV6_V6ONLY off',
  'ipv6-wildcard': 'on ::, IPV6_V6ONLY on',
  'ipv6-own': 'on an IPv6 address',
};

type Measure = `bind.${Name}` | `listen.${Name}` | 'reached.ipv4' | 'reached.ipv6';
const measures = Object.fromEntries([
  ...names.flatMap((name) =>
    (['bind', 'listen'] as const).map((call) => [
      `${call}.${name}`,
      kind.outcome({ text: `outcome of ${call}(2) of a second socket ${socketWords[name]}` }),
    ]),
  ),
  ...[4, 6].map((family) => [
    `reached.ipv${family}`,
    kind.outcome({ text: `outcome of a connection to the first socket over IPv${family}` }),
  ]),
]) as Record<Measure, Kind<string>>;

export default experiment({
  id: 'dual-stack',
  question: 'Does a socket on :: take the port of IPv4 as well?',
  tags: ['IPv6', 'IPV6_V6ONLY', 'wildcard', 'bind(2)', 'EADDRINUSE', 'SO_REUSEADDR'],
  symptoms: ['cannot listen on IPv4 and IPv6', 'address in use on :: and 0.0.0.0', 'does :: include IPv4'],
  factors: {
    first: ['dual-wildcard', 'ipv6-wildcard', 'ipv4-wildcard', 'ipv4-own', 'ipv6-own'],
    left: ['LISTEN', 'BOUND', 'IPv4-TIME-WAIT', 'IPv6-TIME-WAIT'],
    reuse: ['none', 'addr', 'port'],
  },
  words: {
    first: { text: 'the first socket', values: socketWords },
    left: {
      text: 'what the first socket is, or leaves on its port',
      values: {
        LISTEN: 'a listener',
        BOUND: 'bound, without listening',
        'IPv4-TIME-WAIT': "TIME-WAIT of an IPv4 client's connection; the listener is closed",
        'IPv6-TIME-WAIT': "TIME-WAIT of an IPv6 client's connection; the listener is closed",
      },
    },
    reuse: { text: 'option of both sockets', values: { none: 'none', addr: 'SO_REUSEADDR', port: 'SO_REUSEPORT' } },
  },
  // a client of an IP version that the first socket does not serve cannot leave a connection
  valid: ({ first, left }) => {
    if (left === 'IPv4-TIME-WAIT') return families(first).includes(4);
    return left !== 'IPv6-TIME-WAIT' || families(first).includes(6);
  },
  // two machines, so that an IPv4 address and an IPv6 address reach the same sockets
  network: 'veth',
  seconds: 0.3,
  connections: ['old'],
  measures,
  shows: [...names.map((name) => `bind.${name}` as const), 'reached.ipv4', 'reached.ipv6'],

  async scenario({ client, server, closeInTurn, note }, { first: name, left, reuse }) {
    const first = await server.bind({ ...sockets[name], reuse });
    if (left !== 'BOUND') {
      const listener = await first.listen();
      const knock = async (on: Listener, family: 4 | 6) =>
        note(`reached.ipv${family}`, (await client.knock(on, { family }).answer()).outcome);
      if (isWildcard(name)) {
        await knock(listener, 4);
        await knock(listener, 6);
      }
      if (left !== 'LISTEN') {
        const family = left === 'IPv4-TIME-WAIT' ? 4 : 6;
        const answer = await client.connect(listener, { as: 'old', family }).answer();
        if (!answer.ok) return;
        const [near, far] = answer.value;
        await listener.close();
        await closeInTurn(far, near);
      }
    }
    for (const second of names) {
      const binding = await server.bind({ ...sockets[second], reuse, port: first.at.port }).answer();
      note(`bind.${second}`, binding.outcome);
      if (!binding.ok) continue;
      const listening = await binding.value.listen().answer();
      note(`listen.${second}`, listening.outcome);
      await (listening.ok ? listening.value : binding.value).close();
    }
  },

  claims: [
    {
      id: 'dual-wildcard-takes-both',
      text: 'without SO_REUSEADDR or SO_REUSEPORT, a socket on `::` takes the port of an IPv4 address and of 0.0.0.0, too, and cannot bind a port that one of them has, unless IPV6_V6ONLY is on',
      source: 'ipv6(7): IPV6_V6ONLY; ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c',
      when: ({ left, reuse }) => reuse === 'none' && (left === 'LISTEN' || left === 'BOUND'),
      holds: (facts, { first }) =>
        names.every((second) => facts[`bind.${second}`] === (overlap(first, second) ? 'EADDRINUSE' : 'ok')),
    },
    {
      id: 'reached-over-both',
      text: 'IPv4 clients reach a listener on `::` exactly if IPV6_V6ONLY is off; IPv6 clients do not reach a listener on 0.0.0.0',
      source: 'ipv6(7); RFC 3493 §3.7 and §5.3',
      when: ({ first, left }) => left !== 'BOUND' && isWildcard(first),
      holds: (facts, { first }) =>
        ([4, 6] as const).every(
          (family) => facts[`reached.ipv${family}`] === (families(first).includes(family) ? 'ok' : 'ECONNREFUSED'),
        ),
    },
    {
      id: 'time-wait-of-ipv4-is-ipv4s',
      text: "without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of an IPv4 client's connection blocks the port for IPv4 and for `::` with IPV6_V6ONLY off, not for sockets of IPv6 only, even where the server listened on `::`",
      source: 'ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c: IPv4 addresses mapped into IPv6',
      when: ({ left, reuse }) => reuse === 'none' && left === 'IPv4-TIME-WAIT',
      holds: (facts) =>
        names.every((second) => facts[`bind.${second}`] === (families(second).includes(4) ? 'EADDRINUSE' : 'ok')),
    },
    {
      id: 'time-wait-of-ipv6-refuses-ipv4-wildcard',
      text: "without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of an IPv6 client's connection leaves the port free for an IPv4 address; it blocks 0.0.0.0 exactly if the listener was on `::` with IPV6_V6ONLY off",
      source:
        'ipv4_rcv_saddr_equal() with sk2_ipv6only in net/ipv4/inet_connection_sock.c; __inet6_bind() in net/ipv6/af_inet6.c sets sk_ipv6only; tw_ipv6only in tcp_time_wait(), net/ipv4/tcp_minisocks.c',
      when: ({ left, reuse }) => reuse === 'none' && left === 'IPv6-TIME-WAIT',
      holds: (facts, { first }) =>
        facts['bind.ipv4-own'] === 'ok' &&
        facts['bind.ipv4-wildcard'] === (first === 'dual-wildcard' ? 'EADDRINUSE' : 'ok') &&
        names.every((second) => !families(second).includes(6) || facts[`bind.${second}`] === 'EADDRINUSE'),
    },
    {
      id: 'reuseaddr-between-families',
      text: 'with SO_REUSEADDR on both sockets, any second socket binds beside TIME-WAIT; beside a listener, only one that shares no address with it',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
      when: ({ left, reuse }) => reuse === 'addr' && left !== 'BOUND',
      holds: (facts, { first, left }) =>
        names.every((second) => {
          const refused = left === 'LISTEN' && overlap(first, second);
          return facts[`bind.${second}`] === (refused ? 'EADDRINUSE' : 'ok');
        }),
    },
    {
      id: 'reuseport-between-families',
      text: 'with SO_REUSEPORT on both sockets, of one user, any two sockets on an IPv4 or IPv6 address, on 0.0.0.0, or on `::` with IPV6_V6ONLY on or off bind the same port and listen',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
      when: ({ reuse }) => reuse === 'port',
      holds: (facts) => names.every((second) => facts[`bind.${second}`] === 'ok' && facts[`listen.${second}`] === 'ok'),
    },
  ],

  across: [
    {
      id: 'order-does-not-matter',
      text: 'the order in which two sockets on different addresses bind does not change whether bind(2) of the second succeeds',
      source: 'ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c compares both ways',
      holds: (outcomes) => {
        const bound = outcomes.filter(({ cell }) => cell.left === 'BOUND' || cell.left === 'LISTEN');
        return bound.every(({ cell, facts }) =>
          bound
            .filter(({ cell: other }) => other.left === cell.left && other.reuse === cell.reuse)
            .filter(({ cell: other }) => other.first !== cell.first)
            .every((other) => facts[`bind.${other.cell.first}`] === other.facts[`bind.${cell.first}`]),
        );
      },
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const plain = outcomes.filter(({ cell }) => cell.reuse === 'none');
    const isOpen = ({ cell }: Outcomes[number]) => cell.left === 'LISTEN' || cell.left === 'BOUND';
    const binds = (of: Outcomes, outcome: string, ...seconds: readonly Name[]) =>
      of.filter(({ facts }) => seconds.every((second) => facts[`bind.${second}`] === outcome));
    const dual = plain.filter((one) => isOpen(one) && one.cell.first === 'dual-wildcard');
    const only = plain.filter((one) => isOpen(one) && one.cell.first === 'ipv6-wildcard');
    const refused = binds(dual, 'EADDRINUSE', 'ipv4-own', 'ipv4-wildcard');
    const free = binds(only, 'ok', 'ipv4-own', 'ipv4-wildcard');
    const listeners = outcomes.filter(({ facts }) => 'reached.ipv4' in facts);
    const reached = listeners.filter(
      ({ cell, facts }) => (facts['reached.ipv4'] === 'ok') === families(cell.first).includes(4),
    );
    const ipv4 = plain.filter(({ cell }) => cell.left === 'IPv4-TIME-WAIT');
    const ipv4Blocks = binds(binds(ipv4, 'EADDRINUSE', 'ipv4-own', 'dual-wildcard'), 'ok', 'ipv6-own', 'ipv6-wildcard');
    const ipv6 = plain.filter(({ cell }) => cell.left === 'IPv6-TIME-WAIT' && cell.first === 'dual-wildcard');
    const ipv6Blocks = binds(binds(ipv6, 'EADDRINUSE', 'ipv4-wildcard'), 'ok', 'ipv4-own');
    const reuseport = outcomes.filter(({ cell }) => cell.reuse === 'port');
    return {
      headline:
        dual.length > 0
          ? refused.length < dual.length
            ? `A socket on :: takes the port of IPv4 as well in ${share(refused, dual)} cases.`
            : only.length > 0 && free.length === only.length
              ? 'A socket on :: takes the port of IPv4 as well, unless IPV6_V6ONLY is on.'
              : 'A socket on :: takes the port of IPv4 as well.'
          : only.length > 0 &&
            `With IPV6_V6ONLY on, a socket on :: leaves the port of IPv4 free in ${share(free, only)} cases.`,
      findings: [
        finding(
          share(refused, dual),
          'Without SO_REUSEADDR or SO_REUSEPORT, IPv4 sockets cannot bind a port that a socket on :: has.',
        ),
        finding(share(free, only), 'With IPV6_V6ONLY on the socket on ::, IPv4 sockets bind the same port.'),
        finding(
          share(reached, listeners),
          'IPv4 clients reach a listener on 0.0.0.0. They reach a listener on :: only with IPV6_V6ONLY off.',
        ),
        finding(
          share(ipv4Blocks, ipv4),
          'Without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of an IPv4 connection blocks the port for IPv4 and dual-stack ::, not for sockets of IPv6 only.',
        ),
        finding(
          share(ipv6Blocks, ipv6),
          'Without SO_REUSEADDR or SO_REUSEPORT, TIME-WAIT of an IPv6 connection to a listener on :: blocks 0.0.0.0, and leaves an IPv4 address free.',
        ),
        finding(
          share(binds(reuseport, 'ok', ...names), reuseport),
          'With SO_REUSEPORT on both, of one user, any two kinds bind the same port: IPv4 address, 0.0.0.0, IPv6 address, :: with IPV6_V6ONLY on, :: with it off.',
        ),
      ],
    };
  },
});
