import { experiment, kind, share, type Where } from 'lingerlab';

const places: Readonly<Record<string, Where>> = { 'other-closed-again': 'other' };

export default experiment({
  id: 'bound-port',
  question: 'Does connect(2) choose a port that somebody has bound?',
  tags: ['bind(2)', 'connect(2)', 'ephemeral port', 'EADDRINUSE', 'EADDRNOTAVAIL', 'SO_REUSEADDR', 'source port'],
  symptoms: ['connect does not use a port that is bound', 'cannot assign requested address'],
  factors: {
    bound: ['no', 'own', 'wildcard', 'other', 'other-closed-again'],
    // of the bound socket
    reuse: ['none', 'addr', 'port'],
    // to another server, from the one port that there is
    earlier: ['connection', 'none'],
  },
  only: ({ bound, reuse }) => bound !== 'no' || reuse === 'none',
  network: 'veth',
  // one port to choose from: taken or not
  sysctls: () => ({ 'net.ipv4.ip_local_port_range': '61000 61000' }),
  seconds: 0.3,
  connections: ['earlier', 'new'],
  measures: {
    bind: kind.outcome({ text: 'bind to the port, before' }),
    connect: kind.outcome({ text: 'connect without a port asked for' }),
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
      text: 'connect(2) chooses a port that no socket bound for connections to two servers at once',
      source:
        '__inet_check_established() in net/ipv4/inet_hashtables.c: both addresses and both ports make a connection',
      when: ({ bound, earlier }) => bound === 'no' && earlier === 'connection',
      holds: (facts) => facts.connect === 'ok',
    },
    {
      id: 'bound-is-passed-over',
      text: 'connect(2) passes over a port that another socket bound, with SO_REUSEADDR, with SO_REUSEPORT, on another address even: EADDRNOTAVAIL where there is no other port',
      source: '__inet_hash_connect() in net/ipv4/inet_hashtables.c: fastreuse and fastreuseport of the bucket',
      when: ({ bound, earlier }) =>
        bound === 'other' || (earlier === 'none' && (bound === 'own' || bound === 'wildcard')),
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'EADDRNOTAVAIL',
    },
    {
      id: 'free-once-it-is-closed',
      text: 'from Linux 6.18 on, once a socket bound on another address is closed the port is chosen again, though an earlier connection from the port goes on',
      source: 'tcp_port_share.c in tools/testing/selftests/net; before Linux 6.18 the bucket remembered',
      when: ({ bound }) => bound === 'other-closed-again',
      holds: (facts) => facts.bind === 'ok' && facts.connect === 'ok',
    },
    {
      id: 'a-connection-keeps-binders-off',
      text: 'beside a connection whose port connect(2) chose, bind(2) of that port fails with EADDRINUSE on its address and on the wildcard, with SO_REUSEADDR or SO_REUSEPORT, too',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse, sk_reuseport of both sockets',
      when: ({ bound, earlier }) => earlier === 'connection' && (bound === 'own' || bound === 'wildcard'),
      holds: (facts) => facts.bind === 'EADDRINUSE' && facts.connect === 'ok',
    },
  ],

  answer(outcomes) {
    const tell = (chosen: (bound: string) => boolean, words: string): string[] => {
      const tried = outcomes.filter(({ cell, facts }) => chosen(cell.bound) && 'bind' in facts && facts.bind === 'ok');
      const passed = tried.filter(({ facts }) => facts.connect !== 'ok');
      return tried.length === 0 ? [] : [`in ${share(passed, tried)} cells ${words}`];
    };
    const told = [
      ...tell((bound) => bound === 'own' || bound === 'wildcard', 'where it was bound on its own address or on all'),
      ...tell((bound) => bound === 'other', 'where it was bound on another address'),
      ...tell((bound) => bound === 'other-closed-again', 'once that socket was closed'),
    ];
    return told.length === 0
      ? 'Nobody had bound the port.'
      : `connect(2) passed the only port over ${told.join(', ')}.`;
  },
});
