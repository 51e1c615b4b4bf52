import { experiment, finding, kind, share } from 'lingerlab';

/** The port of the service, and the only one of net.ipv4.ip_local_port_range. */
const port = 40_004;
const taken = 'EADDRINUSE';

export default experiment({
  id: 'service-port-in-the-range',
  question: "A service's own port is one of those that the kernel gives to clients: what keeps the service off it?",
  tags: [
    'ephemeral port',
    'ip_local_port_range',
    'ip_local_reserved_ports',
    'EADDRINUSE',
    'SO_REUSEADDR',
    'simultaneous open',
    'self-connection',
  ],
  symptoms: [
    'listening port inside the ephemeral range',
    'daemon cannot start, its port is in use by a client',
    'client connects to itself',
    'address already in use, but no server listens',
  ],
  factors: {
    client: ['unbound', 'bound', 'bound-reuseaddr', 'itself'],
    left: ['ESTABLISHED', 'TIME-WAIT'],
    reserved: [false, true],
  },
  words: {
    client: {
      text: 'the client that comes before the service',
      values: {
        unbound: 'connect(2) to another server chooses its port',
        bound: 'bind(2) to port 0 chooses its port',
        'bound-reuseaddr': 'bind(2) to port 0, with SO_REUSEADDR',
        itself: 'connects to the port of the service, on its own machine, where no socket listens yet',
      },
    },
    left: {
      text: "the client's end when the service starts",
      values: { ESTABLISHED: 'ESTABLISHED', 'TIME-WAIT': 'TIME-WAIT: the client closed first' },
    },
    reserved: {
      text: 'net.ipv4.ip_local_reserved_ports',
      values: { false: 'not set', true: 'the port of the service' },
    },
  },
  // connect(2) and bind(2) to port 0 give out the only port of the range once, and a reserved one never
  valid: ({ client, left, reserved }) =>
    left === 'ESTABLISHED'
      ? !reserved || client === 'unbound' || client === 'itself'
      : client === 'unbound' && !reserved,
  sysctls: ({ reserved }) => ({
    'net.ipv4.ip_local_port_range': `${port} ${port}`,
    'net.ipv4.ip_local_reserved_ports': reserved ? port : undefined,
  }),
  seconds: 0.3,
  measures: {
    client: kind.outcome({ text: 'the client: ok, or the call that failed, and its errno' }),
    itself: kind.boolean({ text: 'whether it is connected to itself' }),
    listens: kind.outcome({ text: 'listen(2) of the service, with SO_REUSEADDR as net sets it' }),
  },
  shows: ['client', 'itself', 'listens'],

  async scenario({ client, server, closeInTurn, note }, { client: how, left }) {
    const place = server.place({ port });
    const other = await server.listen();
    const socket = await client.socket();
    if (how === 'bound-reuseaddr') await socket.set('SO_REUSEADDR', true);
    if (how.startsWith('bound')) await socket.bind({ port: 0 });
    if (left === 'TIME-WAIT') {
      const [near, far] = await client.connect(other);
      await closeInTurn(near, far);
      note('client', 'ok');
    } else {
      const connecting = await socket.connect(how === 'itself' ? place : other).answer();
      note('client', connecting.ok ? 'ok' : `connect ${connecting.errno}`);
      if (connecting.ok) note('itself', connecting.value.local.port === connecting.value.remote.port);
    }
    note('listens', (await server.listen({ port }).answer()).outcome);
  },

  claims: [
    {
      id: 'clients-keep-a-server-off',
      text: 'a server with SO_REUSEADDR cannot bind a port that the kernel has given to a client without SO_REUSEADDR, ESTABLISHED or in TIME-WAIT',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both',
      when: ({ client, reserved }) => !reserved && client !== 'bound-reuseaddr',
      holds: (facts) => facts.client === 'ok' && facts.listens === taken,
    },
    {
      id: 'unless-it-shares',
      text: 'a server with SO_REUSEADDR binds the port beside a client that has set SO_REUSEADDR, too',
      source: 'inet_bind_conflict() in net/ipv4/inet_connection_sock.c: sk_reuse of both',
      when: ({ client }) => client === 'bound-reuseaddr',
      holds: (facts) => facts.client === 'ok' && facts.listens === 'ok',
    },
    {
      id: 'connects-to-itself',
      text: 'a client that connects to such a port on its own machine, where no socket listens, is connected to itself if the kernel gives it that port',
      source: 'RFC 9293 §3.5: simultaneous open; __inet_hash_connect() does not compare the ports of both ends',
      when: ({ client, reserved }) => client === 'itself' && !reserved,
      holds: (facts) => facts.client === 'ok' && facts.itself && facts.listens === taken,
    },
    {
      id: 'reserved-is-kept-for-the-service',
      text: 'ip_local_reserved_ports keeps clients off the port: connect(2) fails with EADDRNOTAVAIL where the range has no other, and the service binds it by its number',
      source:
        'inet_is_local_reserved_port() in include/net/ip.h; ip_local_reserved_ports in Documentation/networking/ip-sysctl.rst',
      when: ({ reserved }) => reserved,
      holds: (facts) => facts.client === 'connect EADDRNOTAVAIL' && facts.listens === 'ok',
    },
  ],

  guide: [
    {
      about: { ip_local_port_range: 'measured', 'EADDRINUSE on restart': 'helps' },
      claim: 'reserved-is-kept-for-the-service',
      text: 'The kernel gives no client a port of ip_local_reserved_ports; a server still binds such a port by its number.',
    },
    {
      about: { ip_local_port_range: 'risks', 'EADDRINUSE on restart': 'look at' },
      claim: 'clients-keep-a-server-off',
      text: 'A server with SO_REUSEADDR cannot bind a port that the kernel has given to a client without SO_REUSEADDR.',
    },
  ],

  answer(outcomes) {
    const plain = outcomes.filter(({ cell }) => !cell.reserved && cell.client !== 'bound-reuseaddr');
    const kept = plain.filter(({ facts }) => facts.listens === taken);
    const shared = outcomes.filter(({ cell }) => cell.client === 'bound-reuseaddr');
    const beside = shared.filter(({ facts }) => facts.listens === 'ok');
    const itself = plain.filter(({ cell }) => cell.client === 'itself');
    const alone = itself.filter(({ facts }) => facts.itself);
    const reserved = outcomes.filter(({ cell }) => cell.reserved);
    const free = reserved.filter(({ facts }) => facts.client !== 'ok' && facts.listens === 'ok');
    return {
      headline:
        plain.length > 0
          ? kept.length === plain.length
            ? `The kernel can give a service's port to a client${reserved.length > 0 && free.length === reserved.length ? ', unless reserved' : ''}.`
            : `A client kept a service off its port in ${share(kept, plain)} cases.`
          : reserved.length > 0
            ? `A reserved port was left to the service in ${share(free, reserved)} cases.`
            : shared.length > 0 && `The service bound the port beside a client in ${share(beside, shared)} cases.`,
      findings: [
        finding(
          share(kept, plain),
          "If a client's socket without SO_REUSEADDR has the port (ESTABLISHED or TIME-WAIT), a service cannot bind it, even with SO_REUSEADDR.",
        ),
        finding(
          share(free, reserved),
          'ip_local_reserved_ports keeps clients off a port of the range; the service still binds it by its number.',
        ),
        finding(
          share(alone, itself),
          'A client that connects to the port before the service listens there is connected to itself if it gets that port.',
        ),
        finding(
          share(beside, shared),
          'If the client has set SO_REUSEADDR, too, the service binds the port beside the client.',
        ),
      ],
    };
  },
});
