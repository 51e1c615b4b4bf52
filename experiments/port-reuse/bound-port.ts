import { experiment, finding, kind, share, type Where } from 'lingerlab';

const places: Readonly<Record<string, Where>> = { 'other-closed-again': 'other' };

export default experiment({
  id: 'bound-port',
  question: 'Does the kernel choose a port for connect(2) that another socket has bound?',
  tags: ['bind(2)', 'connect(2)', 'ephemeral port', 'EADDRINUSE', 'EADDRNOTAVAIL', 'SO_REUSEADDR', 'source port'],
  symptoms: ['connect does not use a port that is bound', 'cannot assign requested address'],
  factors: {
    bound: ['no', 'own', 'wildcard', 'other', 'other-closed-again'],
    reuse: ['none', 'addr', 'port'],
    earlier: ['connection', 'none'],
  },
  words: {
    bound: {
      text: 'where another socket has bound the only port of the range',
      values: {
        no: 'nowhere',
        own: "on the client's address",
        wildcard: 'on the wildcard',
        other: "on another address of the client's machine",
        'other-closed-again': 'on another address, and is closed again',
      },
    },
    reuse: {
      text: 'option of that socket',
      values: { none: 'none', addr: 'SO_REUSEADDR', port: 'SO_REUSEPORT' },
    },
    earlier: {
      text: 'what uses that port before',
      values: { connection: 'a connection to another server', none: 'nothing' },
    },
  },
  only: ({ bound, reuse }) => bound !== 'no' || reuse === 'none',
  network: 'veth',
  // the kernel has one port to choose from
  sysctls: () => ({ 'net.ipv4.ip_local_port_range': '61000 61000' }),
  seconds: 0.3,
  connections: ['earlier', 'new'],
  measures: {
    bind: kind.outcome({ text: "outcome of the other socket's bind(2), before connect(2)" }),
    connect: kind.outcome({ text: 'outcome of connect(2) of a socket without a port' }),
  },
  shows: ['bind', 'connect'],

  async scenario({ client, server, note }, { bound, reuse, earlier }) {
    const [first, second] = [await server.listen(), await server.listen()];
    if (earlier === 'connection') await client.connect(first, { as: 'earlier' });
    if (bound !== 'no') {
      const at = places[bound] ?? (bound as Where);
      const binding = await client.bind({ port: 61_000, reuse, at }).answer();
      note('bind', binding.outcome);
      if (binding.ok && bound === 'other-closed-again') await binding.value.close();
    }
    note('connect', (await client.connect(second, { as: 'new' }).answer()).outcome);
  },

  claims: [
    {
      id: 'free-port-serves-two-servers',
      text: 'the kernel chooses one port, which no socket has bound, for connections to two servers at once',
      source:
        '__inet_check_established() in net/ipv4/inet_hashtables.c: both addresses and both ports make a connection',
      when: ({ bound, earlier }) => bound === 'no' && earlier === 'connection',
      holds: (facts) => facts.connect === 'ok',
    },
    {
      id: 'bound-is-passed-over',
      text: 'the kernel does not choose a port that another socket has bound, with or without SO_REUSEADDR or SO_REUSEPORT, even on another address: without another port, connect(2) fails with EADDRNOTAVAIL',
      source: '__inet_hash_connect() in net/ipv4/inet_hashtables.c: fastreuse and fastreuseport of the bucket',
      when: ({ bound, earlier }) =>
        bound === 'other' || (earlier === 'none' && (bound === 'own' || bound === 'wildcard')),
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'EADDRNOTAVAIL',
    },
    {
      id: 'free-once-it-is-closed',
      text: 'since Linux 6.18, once a socket that was bound on another address is closed, the kernel chooses the port again, even if an earlier connection from the port goes on',
      source: 'tcp_port_share.c in tools/testing/selftests/net; before Linux 6.18 the bucket remembered',
      when: ({ bound }) => bound === 'other-closed-again',
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'ok',
    },
    {
      id: 'a-connection-keeps-binders-off',
      text: 'beside a connection whose port the kernel chose for connect(2), bind(2) of that port fails with EADDRINUSE on its address and on the wildcard, even with SO_REUSEADDR or SO_REUSEPORT on the new socket alone',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse, sk_reuseport of both sockets',
      when: ({ bound, earlier }) => earlier === 'connection' && (bound === 'own' || bound === 'wildcard'),
      holds: (facts) => facts.bind === 'EADDRINUSE' && facts.connect === 'ok',
    },
  ],

  guide: [
    {
      about: { ip_local_port_range: 'risks', 'EADDRNOTAVAIL on connect': 'look at' },
      claim: 'bound-is-passed-over',
      text: 'connect(2) gets no port that another socket has bound, even on another address: without another port it fails with EADDRNOTAVAIL.',
    },
    {
      about: { ip_local_port_range: 'measured' },
      claim: 'free-once-it-is-closed',
      text: 'Once a socket that had bound a port on another address is closed, connect(2) can get the port, even beside an earlier connection from it.',
    },
  ],

  answer(outcomes) {
    const at = (...places: readonly string[]) => outcomes.filter(({ cell }) => places.includes(cell.bound));
    const bound = at('own', 'wildcard', 'other').filter(({ facts }) => facts.bind === 'ok');
    const passedOver = bound.filter(({ facts }) => facts.connect === 'EADDRNOTAVAIL');
    const elsewhere = bound.filter(({ cell }) => cell.bound === 'other');
    const closed = at('other-closed-again').filter(({ facts }) => facts.bind === 'ok');
    const beside = at('own', 'wildcard').filter(({ cell }) => cell.earlier === 'connection');
    const refused = beside.filter(({ facts }) => facts.bind === 'EADDRINUSE');
    const besideElsewhere = at('other').filter(({ cell }) => cell.earlier === 'connection');
    const shared = at('no').filter(({ cell }) => cell.earlier === 'connection');
    const connected = (of: typeof outcomes) => of.filter(({ facts }) => facts.connect === 'ok');
    return {
      headline:
        bound.length > 0 &&
        (passedOver.length === bound.length
          ? 'connect(2) gets no port that another socket has bound, even on another address.'
          : `connect(2) got a port that another socket had bound in ${share(connected(bound), bound)} cases.`),
      findings: [
        finding(
          share(passedOver, bound),
          'If a socket has bound the only port of the range, connect(2) fails with EADDRNOTAVAIL, whether that socket has SO_REUSEADDR, SO_REUSEPORT or neither.',
        ),
        finding(
          share(
            passedOver.filter((one) => elsewhere.includes(one)),
            elsewhere,
          ),
          'A socket that is bound on another address of the machine also prevents connect(2) from using that port.',
        ),
        finding(
          share(connected(closed), closed),
          'Once a socket on another address is closed, the kernel chooses its port again, even while a connection from that port goes on.',
        ),
        finding(
          share(refused, beside),
          'Beside a connection whose port the kernel chose, bind(2) to its address or the wildcard fails, even if the new socket has SO_REUSEADDR or SO_REUSEPORT.',
        ),
        finding(
          share(
            besideElsewhere.filter(({ facts }) => facts.bind === 'ok'),
            besideElsewhere,
          ),
          'On another address of the machine, bind(2) to the port of such a connection succeeds.',
        ),
        finding(
          share(connected(shared), shared),
          'A port that no socket has bound can serve two connections at once, to two servers.',
        ),
      ],
    };
  },
});
