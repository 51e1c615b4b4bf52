import { experiment, finding, type Kind, kind, type Reuse, share, type Where } from 'lingerlab';

const reuses = ['none', 'addr', 'port', 'both'] as const;
const places = ['own', 'wildcard', 'other'] as const;
/** Options and address of a server: `addr.wildcard`. */
type Attempt = `${Reuse}.${Where}`;
const attempts = reuses.flatMap((reuse) => places.map((at) => ({ reuse, at, attempt: `${reuse}.${at}` as Attempt })));

const optionWords: Readonly<Record<Reuse, string>> = {
  none: 'neither SO_REUSEADDR nor SO_REUSEPORT',
  addr: 'SO_REUSEADDR',
  port: 'SO_REUSEPORT',
  both: 'SO_REUSEADDR and SO_REUSEPORT',
};
const addressWords: Readonly<Record<Where, string>> = {
  own: "the client's address",
  wildcard: 'the wildcard',
  other: "another address of the client's machine",
};
const measures = Object.fromEntries(
  attempts.flatMap(({ reuse, at, attempt }) =>
    (['bind', 'listen'] as const).map((call) => [
      `${call}.${attempt}`,
      kind.outcome({ text: `outcome of ${call}(2) of a server on ${addressWords[at]}, with ${optionWords[reuse]}` }),
    ]),
  ),
) as Record<`${'bind' | 'listen'}.${Attempt}`, Kind<string>>;

const sharesReuseaddr = (reuse: Reuse) => reuse === 'addr' || reuse === 'both';

export default experiment({
  id: 'client-port',
  question: "Can a server bind the port of a client's connection?",
  tags: ['ephemeral port', 'source port', 'EADDRINUSE', 'bind(2)', 'localPort'],
  symptoms: [
    'server port is taken by a client connection',
    'port in use but nobody listens',
    'listen port inside the ephemeral range',
  ],
  factors: {
    left: ['ESTABLISHED', 'TIME-WAIT', 'CLOSED'],
    chosenBy: ['connect', 'localPort'],
  },
  words: {
    left: {
      text: "the client's end of its connection",
      values: {
        ESTABLISHED: 'ESTABLISHED',
        'TIME-WAIT': 'TIME-WAIT: the client closed first',
        CLOSED: 'CLOSED: the server closed first',
      },
    },
    chosenBy: {
      text: "how the client's socket got its port",
      values: {
        connect: 'the kernel, at connect(2)',
        localPort: "net's option localPort: libuv sets SO_REUSEADDR and calls bind(2)",
      },
    },
  },
  // on loopback every address would be the client's
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
      text: "if a client's connection, ESTABLISHED or in TIME-WAIT, has a port that the kernel chose for a socket without options, a server cannot bind that port on the client's address or the wildcard, whatever the server sets of SO_REUSEADDR and SO_REUSEPORT",
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse, sk_reuseport of both sockets',
      when: ({ left, chosenBy }) => left !== 'CLOSED' && chosenBy === 'connect',
      holds: (facts) =>
        reuses.every(
          (reuse) => facts[`bind.${reuse}.own`] === 'EADDRINUSE' && facts[`bind.${reuse}.wildcard`] === 'EADDRINUSE',
        ),
    },
    {
      id: 'reuseaddr-on-both-does',
      text: "where net's localPort set SO_REUSEADDR on the client's socket, ESTABLISHED or in TIME-WAIT, a server with SO_REUSEADDR binds the port at once on the client's address and the wildcard; a server without it fails with EADDRINUSE",
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
      text: "where the server closed first, the server keeps TIME-WAIT and the client's port is free",
      source: 'RFC 9293 §3.6.1',
      when: ({ left }) => left === 'CLOSED',
      holds: (facts) =>
        facts['timeWait.holder'] === 'server' && attempts.every(({ attempt }) => facts[`bind.${attempt}`] === 'ok'),
    },
    {
      id: 'who-binds-can-listen',
      text: 'if bind(2) of the server succeeds, listen(2) succeeds, too',
      source: 'inet_csk_listen_start() in net/ipv4/inet_connection_sock.c asks for the port again',
      holds: (facts) =>
        attempts.every(({ attempt }) => facts[`bind.${attempt}`] !== 'ok' || facts[`listen.${attempt}`] === 'ok'),
    },
  ],

  guide: [
    {
      about: { SO_REUSEADDR: 'measured', 'EADDRINUSE on restart': 'cannot help' },
      claim: 'no-option-of-the-server-helps',
      text: 'If a client without options holds the port, ESTABLISHED or in TIME-WAIT, no server option helps on its address or the wildcard.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const every = (
      of: Outcomes,
      outcome: string,
      among: readonly Reuse[],
      at: readonly Where[] = ['own', 'wildcard'],
    ) =>
      of.filter(({ facts }) =>
        among.every((reuse) => at.every((where) => facts[`bind.${reuse}.${where}`] === outcome)),
      );
    const left = outcomes.filter(({ cell }) => cell.left !== 'CLOSED');
    const plain = left.filter(({ cell }) => cell.chosenBy === 'connect');
    const shared = left.filter(({ cell }) => cell.chosenBy === 'localPort');
    const nothing = outcomes.filter(({ cell }) => cell.left === 'CLOSED');
    const refused = every(plain, 'EADDRINUSE', reuses);
    const isShared = shared.length > 0 && every(shared, 'ok', ['addr']).length === shared.length;
    return {
      headline:
        plain.length > 0
          ? refused.length === plain.length
            ? `A server's SO_REUSEADDR ${isShared ? "frees a client's port only if the client set it, too" : "alone does not free a client's port"}.`
            : `A client's socket without options keeps servers off its port in ${share(refused, plain)} cases.`
          : shared.length > 0 &&
            `A server with SO_REUSEADDR binds the port of net's localPort in ${share(every(shared, 'ok', ['addr']), shared)} cases.`,
      findings: [
        finding(
          share(refused, plain),
          "Beside a connection whose port the kernel chose for a socket without options, bind(2) to the client's address or the wildcard fails, whatever the server sets.",
        ),
        finding(
          share(every(shared, 'ok', ['addr', 'both']), shared),
          "Where net's localPort set SO_REUSEADDR on the client's socket, a server with SO_REUSEADDR binds the port at once.",
        ),
        finding(
          share(every(shared, 'EADDRINUSE', ['none', 'port']), shared),
          "Beside a client with SO_REUSEADDR, a server without SO_REUSEADDR fails with EADDRINUSE on the client's address and the wildcard.",
        ),
        finding(
          share(every(left, 'ok', reuses, ['other']), left),
          "On another address of the client's machine, the port is free.",
        ),
        finding(
          share(every(nothing, 'ok', reuses, places), nothing),
          "If the server closed first, the server keeps TIME-WAIT, and the client's port is free.",
        ),
      ],
    };
  },
});
