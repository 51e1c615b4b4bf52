import { type BindOptions, experiment, type Kind, kind, type Listener, sentence, share } from 'lingerlab';

/** An address, or every one of a family: `::` with IPV6_V6ONLY on, and off. */
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
/** What IPv4 and IPv6 clients can reach through it. */
const families = (name: Name): readonly (4 | 6)[] => (name === 'dual-wildcard' ? [4, 6] : [sockets[name].family]);
/** Whether two sockets ask for the port of one address: of one family, each two of these do. */
const overlap = (one: Name, two: Name) => families(one).some((family) => families(two).includes(family));

type Measure = `bind.${Name}` | `listen.${Name}` | 'reached.ipv4' | 'reached.ipv6';
const measures = Object.fromEntries([
  ...names.flatMap((name) =>
    (['bind', 'listen'] as const).map((call) => [
      `${call}.${name}`,
      kind.outcome({ text: `${call} of a second socket: ${name}` }),
    ]),
  ),
  ...[4, 6].map((family) => [
    `reached.ipv${family}`,
    kind.outcome({ text: `connecting to the first over IPv${family}` }),
  ]),
]) as Record<Measure, Kind<string>>;

export default experiment({
  id: 'dual-stack',
  question: 'Whose port does a socket on `::` take: that of IPv6 alone, or of IPv4 as well?',
  tags: ['IPv6', 'IPV6_V6ONLY', 'wildcard', 'bind(2)', 'EADDRINUSE', 'SO_REUSEADDR'],
  symptoms: ['cannot listen on IPv4 and IPv6', 'address in use on :: and 0.0.0.0', 'does :: include IPv4'],
  factors: {
    first: ['dual-wildcard', 'ipv6-wildcard', 'ipv4-wildcard', 'ipv4-own', 'ipv6-own'],
    left: ['LISTEN', 'BOUND', 'IPv4-TIME-WAIT', 'IPv6-TIME-WAIT'],
    // of both
    reuse: ['none', 'addr', 'port'],
  },
  // a family that the first does not serve leaves it no connection
  only: ({ first, left }) => {
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
      text: 'without an option, `::` takes the port of an IPv4 address and of 0.0.0.0, too, and is kept off it by each of them, unless IPV6_V6ONLY is on',
      source: 'ipv6(7): IPV6_V6ONLY; ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c',
      when: ({ left, reuse }) => reuse === 'none' && (left === 'LISTEN' || left === 'BOUND'),
      holds: (facts, { first }) =>
        names.every((second) => facts[`bind.${second}`] === (overlap(first, second) ? 'EADDRINUSE' : 'ok')),
    },
    {
      id: 'reached-over-both',
      text: 'a listener on `::` is reached over IPv4 exactly if IPV6_V6ONLY is off, one on 0.0.0.0 not over IPv6',
      source: 'ipv6(7); RFC 3493 §3.7 and §5.3',
      when: ({ first, left }) => left !== 'BOUND' && isWildcard(first),
      holds: (facts, { first }) =>
        ([4, 6] as const).every(
          (family) => facts[`reached.ipv${family}`] === (families(first).includes(family) ? 'ok' : 'ECONNREFUSED'),
        ),
    },
    {
      id: 'time-wait-of-ipv4-is-ipv4s',
      text: "without an option, TIME-WAIT of an IPv4 client's connection refuses the port of IPv4 and of `::`, and leaves that of IPv6, though the server listened on `::`",
      source: 'ipv6_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c: IPv4 addresses mapped into IPv6',
      when: ({ left, reuse }) => reuse === 'none' && left === 'IPv4-TIME-WAIT',
      holds: (facts) =>
        names.every((second) => facts[`bind.${second}`] === (families(second).includes(4) ? 'EADDRINUSE' : 'ok')),
    },
    {
      id: 'time-wait-of-ipv6-refuses-ipv4-wildcard',
      text: "without an option, TIME-WAIT of an IPv6 client's connection leaves the port of an IPv4 address, but 0.0.0.0 is refused as well, unless IPV6_V6ONLY was on: bound to an address a socket is marked as IPv6 only, accepted from `::` it is not",
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
      text: 'SO_REUSEADDR on both lets any two of the five bind beside TIME-WAIT, and beside a listener those that share no address with it',
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
      text: 'SO_REUSEPORT on both, of one user, lets any two of the five bind and listen',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c; socket(7)',
      when: ({ reuse }) => reuse === 'port',
      holds: (facts) => names.every((second) => facts[`bind.${second}`] === 'ok' && facts[`listen.${second}`] === 'ok'),
    },
  ],

  across: [
    {
      id: 'order-does-not-matter',
      text: 'which of two sockets on different addresses is bound first does not change whether bind(2) of the second succeeds',
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
    const refusedBeside = (first: Name, seconds: readonly Name[]): string | undefined => {
      const cells = outcomes.filter(
        ({ cell }) =>
          cell.first === first && cell.reuse === 'none' && (cell.left === 'LISTEN' || cell.left === 'BOUND'),
      );
      const refused = cells.flatMap(({ facts }) => seconds.map((second) => facts[`bind.${second}`] !== 'ok'));
      return refused.length === 0 ? undefined : share(refused.filter(Boolean), refused);
    };
    const ipv4: Name[] = ['ipv4-own', 'ipv4-wildcard'];
    const dual = refusedBeside('dual-wildcard', ipv4);
    const only = refusedBeside('ipv6-wildcard', ipv4);
    const waiting = outcomes.filter(
      ({ cell, facts }) => cell.left === 'IPv4-TIME-WAIT' && cell.reuse === 'none' && 'bind.ipv6-own' in facts,
    );
    const surprising = outcomes.filter(
      ({ cell, facts }) =>
        cell.left === 'IPv6-TIME-WAIT' &&
        cell.reuse === 'none' &&
        cell.first === 'dual-wildcard' &&
        'bind.ipv4-wildcard' in facts,
    );
    type Binds = 'bind.ipv4-own' | 'bind.ipv6-own' | 'bind.ipv4-wildcard';
    const kept = (chosen: typeof outcomes, bind: Binds) =>
      share(
        chosen.filter(({ facts }) => facts[bind] !== 'ok'),
        chosen,
      );
    return sentence(
      dual && `without an option a socket on \`::\` kept IPv4 sockets off its port in ${dual} attempts`,
      only && `with IPV6_V6ONLY on it kept them off in ${only}`,
      waiting.length > 0 &&
        `TIME-WAIT of an IPv4 connection kept IPv4 sockets off it in ${kept(waiting, 'bind.ipv4-own')}, IPv6 sockets in ${kept(waiting, 'bind.ipv6-own')}`,
      surprising.length > 0 &&
        `TIME-WAIT of an IPv6 connection to a listener on \`::\` kept a socket on 0.0.0.0 off it in ${kept(surprising, 'bind.ipv4-wildcard')}`,
    );
  },
});
