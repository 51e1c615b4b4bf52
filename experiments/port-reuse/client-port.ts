import { experiment, type Kind, kind, type Reuse, share, type Where } from 'lingerlab';

const reuses = ['none', 'addr', 'port', 'both'] as const;
const places = ['own', 'wildcard', 'other'] as const;
/** A server's options and address: `addr.wildcard`. */
type Attempt = `${Reuse}.${Where}`;
const attempts = reuses.flatMap((reuse) => places.map((at) => ({ reuse, at, attempt: `${reuse}.${at}` as Attempt })));

const measures = Object.fromEntries(
  attempts.flatMap(({ reuse, at, attempt }) =>
    (['bind', 'listen'] as const).map((call) => [
      `${call}.${attempt}`,
      kind.outcome({ text: `${call} of the server, reuse ${reuse}, ${at} address` }),
    ]),
  ),
) as Record<`${'bind' | 'listen'}.${Attempt}`, Kind<string>>;

const sharesReuseaddr = (reuse: Reuse) => reuse === 'addr' || reuse === 'both';

export default experiment({
  id: 'client-port',
  question: "Does a client's connection keep a server off the client's port?",
  tags: ['ephemeral port', 'source port', 'EADDRINUSE', 'bind(2)', 'localPort'],
  symptoms: [
    'server port is taken by a client connection',
    'port in use but nobody listens',
    'listen port inside the ephemeral range',
  ],
  factors: {
    left: ['ESTABLISHED', 'TIME-WAIT', 'CLOSED'],
    // connect(2) chooses the port; or net's `localPort`, for which libuv sets SO_REUSEADDR and binds
    chosenBy: ['connect', 'localPort'],
  },
  // an address of its own for the client: on loopback it has every one
  network: 'veth',
  seconds: 0.3,
  measures,
  shows: (['own', 'wildcard', 'other'] as const).flatMap((at) => reuses.map((reuse) => `bind.${reuse}.${at}` as const)),

  async scenario({ client, server, closeInTurn, note }, { left, chosenBy }) {
    const listener = await server.listen();
    const free = await client.bind();
    await free.close();
    const [near, far] = await client.connect(listener, chosenBy === 'localPort' ? { localPort: free.at.port } : {});
    if (left === 'TIME-WAIT') await closeInTurn(near, far);
    if (left === 'CLOSED') await closeInTurn(far, near);

    for (const { reuse, at, attempt } of attempts) {
      const binding = await client.bind({ port: near.local.port, reuse, at }).answer();
      note(`bind.${attempt}`, binding.outcome);
      if (!binding.ok) continue;
      const listening = await binding.value.listen().answer();
      note(`listen.${attempt}`, listening.outcome);
      await (listening.ok ? listening.value : binding.value).close();
    }
  },

  claims: [
    {
      id: 'no-option-of-the-server-helps',
      text: "a client's connection without SO_REUSEADDR, ESTABLISHED or in TIME-WAIT, keeps a server off its port on its address and on the wildcard, whether the server sets SO_REUSEADDR, SO_REUSEPORT or both",
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse, sk_reuseport of both sockets',
      when: ({ left, chosenBy }) => left !== 'CLOSED' && chosenBy === 'connect',
      holds: (facts) =>
        reuses.every(
          (reuse) => facts[`bind.${reuse}.own`] === 'EADDRINUSE' && facts[`bind.${reuse}.wildcard`] === 'EADDRINUSE',
        ),
    },
    {
      id: 'reuseaddr-on-both-does',
      text: "where net's localPort set SO_REUSEADDR on the client's socket, a server with SO_REUSEADDR has the port at once, others do not",
      source: 'uv__tcp_bind() in libuv src/unix/tcp.c; inet_bind_conflict() in net/ipv4/inet_connection_sock.c',
      when: ({ left, chosenBy }) => left !== 'CLOSED' && chosenBy === 'localPort',
      holds: (facts) =>
        reuses.every((reuse) => {
          const expected = sharesReuseaddr(reuse) ? 'ok' : 'EADDRINUSE';
          return facts[`bind.${reuse}.own`] === expected && facts[`bind.${reuse}.wildcard`] === expected;
        }),
    },
    {
      id: 'other-address-is-free',
      text: "on another address of the client's machine the port is free",
      source: 'inet_bhash2_conflict() in net/ipv4/inet_connection_sock.c; inet_rcv_saddr_equal()',
      holds: (facts) => reuses.every((reuse) => facts[`bind.${reuse}.other`] === 'ok'),
    },
    {
      id: 'free-where-the-server-closed-first',
      text: "where the server closed first TIME-WAIT is with the server, and the client's port is free",
      source: 'RFC 9293 §3.6.1',
      when: ({ left }) => left === 'CLOSED',
      holds: (facts) =>
        facts['timeWait.holder'] === 'server' && attempts.every(({ attempt }) => facts[`bind.${attempt}`] === 'ok'),
    },
    {
      id: 'who-binds-can-listen',
      text: 'where bind(2) of the server succeeds, listen(2) does, too',
      source: 'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c asks for the port again',
      holds: (facts) =>
        attempts.every(({ attempt }) => facts[`bind.${attempt}`] !== 'ok' || facts[`listen.${attempt}`] === 'ok'),
    },
  ],

  answer(outcomes) {
    const tell = (chosenBy: 'connect' | 'localPort', words: string): string[] => {
      const left = outcomes.filter(({ cell }) => cell.chosenBy === chosenBy && cell.left !== 'CLOSED');
      const tries = left.flatMap(({ facts }) => [facts['bind.addr.own'], facts['bind.addr.wildcard']]);
      const refused = tries.filter((result) => result !== 'ok');
      return tries.length === 0 ? [] : [`in ${share(refused, tries)} attempts ${words}`];
    };
    const kept = [
      ...tell('connect', 'where connect(2) had chosen it'),
      ...tell('localPort', "where net's localPort had set SO_REUSEADDR on the client's socket, too"),
    ];
    if (kept.length === 0) return 'No connection was left on a client’s port.';
    return `A connection of a client, alive or in TIME-WAIT, kept a server with SO_REUSEADDR off the client's port ${kept.join(', ')}.`;
  },
});
