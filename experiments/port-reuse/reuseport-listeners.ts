import {
  ack,
  experiment,
  finding,
  kind,
  type Peer,
  type Place,
  type RawEndpoint,
  type RawSocket,
  range,
  rst,
  type Stage,
  share,
} from 'lingerlab';

/**
 * Clients of a cell. The kernel chooses the listener of each by a hash with a random secret: that one of two listeners has none happens
 * once in 8 million cells.
 */
const clients = 24;
/** What the kernel sends at once is on the wire then; both ends answer a ping after it. */
const sentSeconds = 0.02;

const asked = {
  factors: {
    listeners: ['two', 'one', 'one-joins', 'handed-over'],
    waits: ['accept', 'ACK'],
    migrate: [0, 1],
    stops: ['close', 'SIGKILL'],
    family: [4, 6],
  },
  measures: {
    old: kind.count({ text: 'connections that only the old listener had', compare: 'measurement' }),
    reset: kind.count({ text: 'clients that read ECONNRESET', compare: 'measurement' }),
    served: kind.count({ text: 'clients that an application accepted', compare: 'measurement' }),
    lost: { ...kind.word('none', 'some', 'all'), text: 'which of the clients read ECONNRESET' },
    later: kind.outcome({ text: 'result of connect(2) of a client that connects after the old listener has stopped' }),
    // how many there are is up to the hash
    'counters.server.TcpExt.TCPMigrateReqSuccess': kind.count({
      text: 'connections and handshakes that another listener took over',
      compare: 'measurement',
    }),
    'counters.server.TcpExt.EmbryonicRsts': kind.count({ text: 'RSTs of handshakes', compare: 'measurement' }),
    'counters.server.Tcp.OutRsts': kind.count({ text: 'RSTs that were sent', compare: 'measurement' }),
    'counters.server.Tcp.EstabResets': kind.count({ text: 'connections that a RST ended', compare: 'measurement' }),
    'counters.server.Tcp.PassiveOpens': kind.count({
      text: 'connections that listeners opened',
      compare: 'measurement',
    }),
    'counters.client.Tcp.EstabResets': kind.count({ text: 'connections that a RST ended', compare: 'measurement' }),
    'counters.client.Tcp.OutRsts': kind.count({ text: 'RSTs that were sent', compare: 'measurement' }),
  },
  connections: ['later'],
} as const;
type Played = Stage<typeof asked.connections, typeof asked.measures>;

/** A socket that listens with SO_REUSEPORT. */
async function listening(peer: Peer, { at }: Place, family: 4 | 6): Promise<RawSocket> {
  const listener = await peer.socket({ family });
  await listener.set('SO_REUSEPORT', true);
  await listener.bind({ port: at.port });
  await listener.listen();
  return listener;
}

/** Accepts what is in the queue; how many connections there were. */
async function acceptAll(listener: RawSocket): Promise<number> {
  for (let count = 0; ; count++) if (!(await listener.accept({ wait: false }).answer()).ok) return count;
}

/** Waits until both ends have got what is on its way: no cell has a thousand RSTs. */
const delivered = ({ wire }: Played) => wire.seen(rst.nth(1000), { within: sentSeconds });

/** Connects all clients: each is ESTABLISHED. */
async function connectAll({ client, until }: Played, place: Place, family: 4 | 6): Promise<RawEndpoint[]> {
  const all: RawEndpoint[] = [];
  for (let each = 0; each < clients; each++) all.push(await (await client.socket({ family })).open(place));
  for (const near of all) await until(near, 'ESTABLISHED');
  return all;
}

/** Reads at each client: those that were reset, and the others. */
async function resetOf(all: readonly RawEndpoint[]): Promise<Record<'reset' | 'alive', RawEndpoint[]>> {
  const [reset, alive]: [RawEndpoint[], RawEndpoint[]] = [[], []];
  for (const near of all) {
    const { outcome } = await near.read(1, { wait: false }).answer();
    (outcome === 'ECONNRESET' ? reset : alive).push(near);
  }
  return { reset, alive };
}

export default experiment({
  ...asked,
  id: 'reuseport-listeners',
  question: 'A listener stops while connections wait to be accepted: which of them are lost, and what keeps them?',
  tags: ['SO_REUSEPORT', 'tcp_migrate_req', 'accept queue', 'ECONNRESET', 'graceful restart', 'SCM_RIGHTS'],
  symptoms: [
    'connection reset during reload',
    'zero downtime restart',
    'connections lost on reload with SO_REUSEPORT',
    'two processes listen on one port',
  ],
  words: {
    listeners: {
      text: 'the listeners on the port',
      values: {
        two: 'an old and a new server, each with a socket of its own and SO_REUSEPORT',
        one: 'the old server alone',
        'one-joins': 'the old server, which goes on; a new one with SO_REUSEPORT joins before the ACKs',
        'handed-over': 'one socket, whose descriptor the old server sent to the new one',
      },
    },
    waits: {
      text: `what each of ${clients} connections waits for when the old listener stops`,
      values: { accept: 'accept(2): the handshake is done', ACK: "the client's ACK of the handshake" },
    },
    migrate: {
      text: 'net.ipv4.tcp_migrate_req',
      values: { 0: '0, the default', 1: '1: another listener of the port takes the connections over' },
    },
    stops: {
      text: 'how the old listener stops',
      values: { close: 'close(2)', SIGKILL: 'its process is killed by SIGKILL' },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only({ listeners, waits, migrate, stops, family }) {
    if (listeners === 'two') return stops === 'close' || (waits === 'accept' && family === 4);
    if (family === 6) return false;
    if (listeners === 'one') return stops === 'close';
    if (migrate === 1) return false;
    return listeners === 'one-joins' ? waits === 'ACK' && stops === 'close' : waits === 'accept';
  },
  network: 'wire',
  seconds: 1,
  // a kernel without this sysctl does what 0 says
  sysctls: ({ migrate }) => ({ 'net.ipv4.tcp_migrate_req': migrate === 1 ? 1 : undefined }),
  shows: ['lost', 'later', 'old', 'reset', 'served', 'counters.server.TcpExt.TCPMigrateReqSuccess'],

  async scenario(stage, { listeners, waits, stops, family }) {
    const { client, server, start, wire, note, noteUnknown } = stage;
    const successor = await start('successor', 'server');
    const place = server.place({ family });
    const held = waits === 'ACK' ? await wire.hold(ack.from('client')) : undefined;
    const shared = listeners === 'handed-over' ? await server.listen({ family, port: place.at.port }) : undefined;
    const handed = await shared?.handTo(successor);
    const old = (await shared?.raw()) ?? (await listening(server, place, family));
    const fresh = listeners === 'two' ? await listening(successor, place, family) : undefined;

    const all = await connectAll(stage, place, family);
    await delivered(stage);
    let served = fresh ? await acceptAll(fresh) : 0;
    if (fresh && waits === 'accept') note('old', clients - served);
    const joined = listeners === 'one-joins' ? await listening(successor, place, family) : undefined;
    if (!joined) await (stops === 'close' ? old.close() : server.end('SIGKILL'));
    await held?.lift();
    await held?.release();
    await delivered(stage);

    const { reset, alive } = await resetOf(all);
    const isOneSided = fresh && waits === 'accept' && (served === 0 || served === clients);
    if (isOneSided) noteUnknown('lost', 'one of the two listeners had no connection');
    else note('lost', reset.length === 0 ? 'none' : alive.length === 0 ? 'all' : 'some');
    note('reset', reset.length);
    if (fresh) served += await acceptAll(fresh);
    if (joined) {
      served = await acceptAll(old);
      note('old', served);
      served += await acceptAll(joined);
    }
    const next = await handed?.serve();
    for (const near of next ? alive : []) {
      await next?.accepted(near);
      served += 1;
    }
    note('served', served);
    note('later', (await (await client.socket({ family })).connect(place, { as: 'later' }).answer()).outcome);
  },

  claims: [
    {
      id: 'its-queue-is-reset',
      text: 'each listener has a queue of its own: one that stops resets the connections in its queue, and none in the queue of the other',
      source: 'inet_csk_listen_stop() in net/ipv4/inet_connection_sock.c; socket(7): SO_REUSEPORT',
      when: ({ listeners, waits, migrate }) => listeners === 'two' && waits === 'accept' && migrate === 0,
      holds: (facts) => facts.lost === 'some' && facts.reset === facts.old && facts.served === clients - facts.old,
    },
    {
      id: 'handshakes-are-reset',
      text: 'a handshake that one of two listeners has begun is lost when that listener closes: a RST answers the ACK, although the other listener is open',
      source: `tcp_v4_rcv() in net/ipv4/tcp_ipv4.c, tcp_v6_rcv(): inet_csk_reqsk_queue_drop_and_put(). By chance one listener gets none or all of ${clients} once in 8 million cells`,
      when: ({ listeners, waits, migrate }) => listeners === 'two' && waits === 'ACK' && migrate === 0,
      holds: (facts) => facts.lost === 'some' && facts.reset + facts.served === clients,
    },
    {
      id: 'migration-loses-none',
      text: 'with tcp_migrate_req 1, the other listener gets the connections in the queue, and the handshakes: none is reset, all are accepted',
      source:
        'tcp_migrate_req in Documentation/networking/ip-sysctl.rst; reuseport_migrate_sock() in net/core/sock_reuseport.c',
      when: ({ listeners, migrate }) => listeners === 'two' && migrate === 1,
      holds: (facts, { waits }) =>
        facts.lost === 'none' &&
        facts.served === clients &&
        (waits === 'ACK'
          ? facts['counters.server.TcpExt.TCPMigrateReqSuccess'] >= 1
          : facts['counters.server.TcpExt.TCPMigrateReqSuccess'] === facts.old),
    },
    {
      id: 'nowhere-to-migrate',
      text: 'without a second listener, all connections are reset, with tcp_migrate_req 0 and 1, and a later client fails with ECONNREFUSED',
      source: 'reuseport_migrate_sock() in net/core/sock_reuseport.c: no other socket in the group',
      when: ({ listeners }) => listeners === 'one',
      holds: (facts) => facts.lost === 'all' && facts.served === 0 && facts.later === 'ECONNREFUSED',
    },
    {
      id: 'joining-takes-none',
      text: 'a listener that joins takes no handshake that another listener has begun: the ACK finds the mini-socket of that listener',
      source:
        'inet_csk_reqsk_queue_hash_add() in net/ipv4/inet_connection_sock.c: requests are in the table of connections',
      when: ({ listeners }) => listeners === 'one-joins',
      holds: (facts) => facts.lost === 'none' && facts.old === clients && facts.served === clients,
    },
    {
      id: 'handed-over-loses-none',
      text: 'if the new server has a descriptor of the same socket, the queue outlives the old server, even if SIGKILL ends that server',
      source: 'unix(7): SCM_RIGHTS; both descriptors refer to one socket',
      when: ({ listeners }) => listeners === 'handed-over',
      holds: (facts) => facts.lost === 'none' && facts.served === clients,
    },
    {
      id: 'later-clients-connect',
      text: 'a later client connects if another listener, or another descriptor of the listening socket, is left',
      source: 'inet_lookup_listener() in include/net/inet_hashtables.h',
      when: ({ listeners }) => listeners !== 'one',
      holds: (facts) => facts.later === 'ok',
    },
  ],

  guide: [
    {
      about: { SO_REUSEPORT: 'risks' },
      claim: 'its-queue-is-reset',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.reset, { unit: `of ${clients}` }),
      text: 'If one of two listeners stops, its kernel resets all connections that wait in its own queue, here {number}.',
    },
    {
      about: { SO_REUSEPORT: 'risks' },
      claim: 'handshakes-are-reset',
      text: 'A handshake that one of two listeners has begun is reset when that listener closes, though the other listener goes on.',
    },
    {
      about: { tcp_migrate_req: 'measured' },
      claim: 'migration-loses-none',
      text: 'With tcp_migrate_req 1 the other listener gets the queue and the handshakes of a listener that stops: no connection is reset, all are accepted.',
    },
    {
      about: { tcp_migrate_req: 'risks' },
      claim: 'nowhere-to-migrate',
      when: ({ migrate }) => migrate === 1,
      text: 'Without a second listener, all waiting connections are reset with tcp_migrate_req 1, too.',
    },
    {
      about: { SO_REUSEPORT: 'measured' },
      claim: 'handed-over-loses-none',
      text: 'Without SO_REUSEPORT: if the new server has a descriptor of the same socket, no connection is reset, even if the old server is killed.',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const isKept = ({ facts }: Outcome) => facts.lost === 'none' && facts.served === clients;
    const two = of(({ listeners, migrate }) => listeners === 'two' && migrate === 0);
    const reset = two.filter(({ facts }) => facts.lost === 'some');
    const queues = two.filter(({ cell }) => cell.waits === 'accept');
    const exact = queues.filter(({ facts }) => facts.reset === facts.old);
    const handshakes = two.filter(({ cell }) => cell.waits === 'ACK');
    const broken = handshakes.filter(({ facts }) => facts.lost === 'some');
    const migrating = of(({ listeners, migrate }) => listeners === 'two' && migrate === 1);
    const migrated = migrating.filter(isKept);
    const alone = of(({ listeners }) => listeners === 'one');
    const all = alone.filter(({ facts }) => facts.lost === 'all');
    const joining = of(({ listeners }) => listeners === 'one-joins');
    const handing = of(({ listeners }) => listeners === 'handed-over');
    const handed = handing.filter(isKept);
    const isWhole = (part: readonly Outcome[], whole: readonly Outcome[]) =>
      whole.length > 0 && part.length === whole.length;
    return {
      headline:
        two.length > 0
          ? isWhole(reset, two)
            ? `A listener that stops resets its queue${isWhole(migrated, migrating) ? ', unless tcp_migrate_req 1 moves it' : ''}.`
            : `One of two listeners reset its queue in ${share(reset, two)} cases.`
          : migrating.length > 0
            ? `tcp_migrate_req 1 lost no connection in ${share(migrated, migrating)} cases.`
            : alone.length > 0
              ? `A listener alone reset all that waited in ${share(all, alone)} cases.`
              : handing.length > 0
                ? `A socket that was handed over lost nothing in ${share(handed, handing)} cases.`
                : joining.length > 0 &&
                  `A listener that joins cost no connection in ${share(joining.filter(isKept), joining)} cases.`,
      findings: [
        queues.length > 0 &&
          finding(
            share(exact, queues),
            `One of two listeners with SO_REUSEPORT resets the connections in its own queue when it stops, here ${range(queues, ({ facts }) => facts.reset)} of ${clients}.`,
          ),
        finding(
          share(broken, handshakes),
          'Handshakes that the stopped listener had begun are reset when their ACKs arrive: the other listener does not take them over.',
        ),
        finding(
          share(migrated, migrating),
          'With tcp_migrate_req 1 and a second listener, no connection is reset: the second listener accepts all.',
        ),
        finding(
          share(all, alone),
          'Without a second listener, all connections are reset, with tcp_migrate_req 1, too.',
        ),
        finding(
          share(handed, handing),
          'If the old server has handed its socket over, no connection is reset, even if the old server is killed.',
        ),
        finding(
          share(joining.filter(isKept), joining),
          'A listener that joins between SYN and ACK costs no connection.',
        ),
      ],
    };
  },
});
