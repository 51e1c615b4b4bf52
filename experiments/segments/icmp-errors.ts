import { data, errnos, experiment, finding, type IcmpKind, is, kind, rst, share, syn, type Wire } from 'lingerlab';
import { seemedToSucceed } from '../opening/shared/icmp.ts';

/** Bytes that the client writes, and of the largest packet that a router takes. */
const written = 5;
const mtu = 1300;
/** Bytes of the headers of a segment, with timestamps: IPv4, IPv6. */
const headers = { 4: 52, 6: 72 } as const;
/** The kernel has processed a message when it answers a ping that came after it. */
const processedSeconds = 0.02;
/** How long the client of a path that stays dead sends again. */
const userTimeoutMs = 500;

type Family = 4 | 6;
/** The errno of each message, and none: it ends no connect(2). */
const errnoOf = {
  'net-unreachable': { 4: 'ENETUNREACH', 6: 'ENETUNREACH' },
  'host-unreachable': { 4: 'EHOSTUNREACH', 6: 'EHOSTUNREACH' },
  'protocol-unreachable': { 4: 'ENOPROTOOPT', 6: 'EPROTO' },
  'port-unreachable': { 4: 'ECONNREFUSED', 6: 'ECONNREFUSED' },
  'admin-prohibited': { 4: 'EHOSTUNREACH', 6: 'EACCES' },
  'ttl-exceeded': { 4: 'EHOSTUNREACH', 6: 'EHOSTUNREACH' },
  'parameter-problem': { 4: 'EPROTO', 6: 'EPROTO' },
  'source-route-failed': { 4: 'EOPNOTSUPP', 6: undefined },
  'source-quench': { 4: 'none', 6: undefined },
  'fragmentation-needed': { 4: 'none', 6: 'none' },
} as const satisfies Readonly<Record<IcmpKind, Readonly<Record<Family, string | undefined>>>>;
const kinds = Object.keys(errnoOf) as [IcmpKind, ...IcmpKind[]];
/** Over IPv6 in SYN-SENT only: what differs from IPv4, and one that does not. */
const over6: readonly IcmpKind[] = ['port-unreachable', 'admin-prohibited', 'protocol-unreachable'];
const isError = ({ message, family }: { readonly message: IcmpKind; readonly family: Family }) =>
  errnoOf[message][family] !== 'none';

/** What net calls the errno that a message leaves: libuv's name of EOPNOTSUPP is ENOTSUP. */
function softErrorOf(message: IcmpKind, family: Family): string {
  const errno = errnoOf[message][family] ?? 'none';
  if (errno === 'none') return 'ETIMEDOUT';
  return errno === 'EOPNOTSUPP' ? 'ENOTSUP' : errno;
}

/** Of an outcome in SYN-SENT: what connect(2) returned, and what the calls of net after it got. */
interface Ended {
  readonly cell: { readonly message: IcmpKind; readonly family: Family };
  readonly facts: {
    readonly connect: string;
    readonly connectMs: number;
    readonly 'client.errors': Parameters<typeof errnos>[0];
  };
}

const seemedOpen = ({ cell: { message, family }, facts }: Ended): boolean =>
  seemedToSucceed({
    family,
    answer: facts.connect,
    errors: facts['client.errors'],
    errno: softErrorOf(message, family),
  });

/** Whether the errno of the message ended the connect before the SYN was sent again, after 1 s. */
const endedAtOnce = (each: Ended): boolean =>
  each.facts.connectMs < 1000 &&
  (each.facts.connect === errnoOf[each.cell.message][each.cell.family] || seemedOpen(each));

/** Sends the message about a packet, as a router would. */
const send = (wire: Wire, packet: Parameters<Wire['icmp']>[0], message: IcmpKind) =>
  message === 'fragmentation-needed' ? wire.icmp(packet, message, { mtu }) : wire.icmp(packet, message);

export default experiment({
  id: 'icmp-errors',
  question: 'An ICMP error comes back: what does it do to a connect, and to an established connection?',
  tags: [
    'ICMP',
    'ENETUNREACH',
    'EHOSTUNREACH',
    'ENOPROTOOPT',
    'EPROTO',
    'soft error',
    'SO_ERROR',
    'path MTU',
    'destination unreachable',
  ],
  symptoms: [
    'no route to host',
    'network is unreachable',
    'ICMP unreachable on an established connection',
    'can ICMP reset a connection',
    'protocol not available on connect',
  ],
  factors: { state: ['SYN-SENT', 'ESTABLISHED', 'gives-up'], message: kinds, family: [4, 6] },
  words: {
    state: {
      text: 'the connection that the message is about',
      values: {
        'SYN-SENT': 'in SYN-SENT: the message is about its SYN',
        ESTABLISHED: 'ESTABLISHED: the message is about its data, which arrives when it is sent again',
        'gives-up': `ESTABLISHED, and the path stays dead: TCP_USER_TIMEOUT ${userTimeoutMs} ms ends it`,
      },
    },
    message: {
      text: 'the ICMP message',
      values: {
        'net-unreachable': 'network unreachable',
        'host-unreachable': 'host unreachable',
        'protocol-unreachable': 'protocol unreachable; of ICMPv6, unrecognized next header',
        'port-unreachable': 'port unreachable',
        'admin-prohibited': 'administratively prohibited',
        'ttl-exceeded': 'time to live, or hop limit, exceeded',
        'parameter-problem': 'parameter problem',
        'source-route-failed': 'source route failed',
        'source-quench': 'source quench, which RFC 6633 has retired',
        'fragmentation-needed': `fragmentation needed, or packet too big: an MTU of ${mtu}`,
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  valid: ({ message, family }) => errnoOf[message][family] !== undefined,
  only: ({ state, message, family }) =>
    family === 6
      ? state === 'SYN-SENT' && over6.includes(message)
      : state !== 'gives-up' || message === 'host-unreachable' || message === 'source-quench',
  network: 'wire',
  seconds: (cell) => (cell.state === 'SYN-SENT' && !isError(cell) ? 1.5 : 0.8),
  measures: {
    connect: kind.outcome({
      label: 'connect(2)',
      text: "result of connect(2), with the kernel's name of an errno: Node calls EOPNOTSUPP ENOTSUP",
    }),
    connectMs: kind.ms({ label: 'connect(2) took', text: 'time from connect(2) to its result' }),
    error: kind.outcome({ label: 'SO_ERROR', text: 'SO_ERROR after the message' }),
    segment: kind.bytes({ label: 'bytes in a segment', text: 'bytes that a segment carries after the message' }),
  },
  shows: ['connect', 'connectMs', 'error', 'client.path', 'client.delivered', 'client.errors', 'segment'],

  async scenario({ client, server, wire, until, note }, { state, message, family }) {
    const listener = await server.listen({ family });
    if (state === 'SYN-SENT') {
      await wire.drop(syn, isError({ message, family }) ? {} : { times: 1 });
      const near = await client.open(listener);
      await send(wire, await wire.seen(syn), message);
      const { outcome, ns } = await near.connected().answer();
      // libuv's name of the same number
      note('connect', outcome === 'ENOTSUP' ? 'EOPNOTSUPP' : outcome);
      note('connectMs', ns / 1e6);
      if (outcome === 'ok' && isError({ message, family })) await near.gone();
      return;
    }
    const [near, far] = await client.connect(listener);
    if (state === 'gives-up') await near.set('TCP_USER_TIMEOUT', userTimeoutMs);
    const lost = await wire.drop(data.from('client'));
    await near.write(written);
    await send(wire, await wire.seen(data.from('client')), message);
    // no cell has a thousand RSTs
    await wire.seen(rst.nth(1000), { within: processedSeconds });
    if (state === 'gives-up') return void (await until(near, 'CLOSED'));
    note('error', await near.error());
    note('segment', (await near.info()).segmentBytes);
    await lost.lift();
    await far.received(written);
  },

  claims: [
    {
      id: 'ends-a-connect',
      text: 'in SYN-SENT each message but source quench and fragmentation needed ends connect(2) at once, with the errno of icmp_err_convert[], or of icmpv6_err_convert(); over IPv4 connect(2) can seem to succeed, and the next call gets that errno',
      source:
        'tcp_v4_err() in net/ipv4/tcp_ipv4.c, icmp_err_convert[] in net/ipv4/icmp.c; tcp_v6_err() in net/ipv6/tcp_ipv6.c, icmpv6_err_convert() in net/ipv6/icmp.c; RFC 5461 describes it, RFC 1122 §4.2.3.9 asks for it of codes 2 to 4 only. At once: before the SYN is sent again, 1 s. A race over IPv4: ip_icmp_error() in net/ipv4/ip_sockglue.c wakes the application before tcp_done_with_error()',
      when: (cell) => cell.state === 'SYN-SENT' && isError(cell),
      holds: (facts, cell) => endedAtOnce({ cell, facts }),
    },
    {
      id: 'ends-no-connect',
      text: 'in SYN-SENT source quench and fragmentation needed do not end connect(2): the SYN is sent again',
      source: 'tcp_v4_err() in net/ipv4/tcp_ipv4.c: ICMP_SOURCE_QUENCH is ignored, RFC 6633; ICMP_FRAG_NEEDED',
      when: (cell) => cell.state === 'SYN-SENT' && !isError(cell),
      holds: (facts) => facts.connect === 'ok' && facts.connectMs >= 1000,
    },
    {
      id: 'ends-no-connection',
      text: 'in ESTABLISHED no message ends the connection: the data is sent again and arrives',
      source: 'RFC 1122 §4.2.3.9; RFC 5927 §5; tcp_v4_err() in net/ipv4/tcp_ipv4.c: sk_err_soft',
      when: ({ state }) => state === 'ESTABLISHED',
      holds: (facts) =>
        is(facts['client.path'], 'SYN-SENT', 'ESTABLISHED') &&
        facts['client.delivered'] === written &&
        facts['client.errors'].length === 0,
    },
    {
      id: 'is-a-soft-error',
      text: 'in ESTABLISHED the errno of a message is a soft error, which SO_ERROR returns; source quench and fragmentation needed leave none',
      source: 'sk_getsockopt() in net/core/sock.c: sk_err_soft where sk_err is 0; tcp_v4_err() in net/ipv4/tcp_ipv4.c',
      when: ({ state }) => state === 'ESTABLISHED',
      holds: (facts, { message, family }) => facts.error === errnoOf[message][family],
    },
    {
      id: 'smaller-segments',
      text: `in ESTABLISHED fragmentation needed makes segments smaller, to fit the MTU of ${mtu}; no other message does`,
      source: 'RFC 1191 §3; tcp_v4_mtu_reduced() in net/ipv4/tcp_ipv4.c',
      when: ({ state }) => state === 'ESTABLISHED',
      holds: (facts, { message, family }) =>
        facts.segment <= mtu - headers[family] === (message === 'fragmentation-needed'),
    },
    {
      id: 'soft-error-when-it-gives-up',
      text: 'if the path stays dead, the connection ends with the errno of the message, its soft error; after source quench or fragmentation needed, which leave none, it ends with ETIMEDOUT',
      source: 'tcp_write_err() in net/ipv4/tcp_timer.c: sk_err_soft ? : ETIMEDOUT',
      when: ({ state }) => state === 'gives-up',
      holds: (facts, { message, family }) => is(errnos(facts['client.errors']), softErrorOf(message, family)),
    },
  ],

  answer(outcomes) {
    const opening = outcomes.filter(({ cell }) => cell.state === 'SYN-SENT' && isError(cell));
    const ended = opening.filter(endedAtOnce);
    const seemed = opening.filter(seemedOpen);
    const others = outcomes.filter(({ cell }) => cell.state === 'SYN-SENT' && !isError(cell));
    const opened = others.filter(({ facts }) => facts.connect === 'ok');
    const open = outcomes.filter(({ cell }) => cell.state === 'ESTABLISHED');
    const alive = open.filter(
      ({ facts }) => facts['client.delivered'] === written && facts['client.errors'].length === 0,
    );
    const soft = open.filter((each) => isError(each.cell));
    const told = soft.filter(
      (each) => each.facts.error === errnoOf[each.cell.message][each.cell.family] && alive.includes(each),
    );
    const smaller = open.filter(({ cell }) => cell.message === 'fragmentation-needed');
    const fits = smaller.filter(({ facts, cell }) => facts.segment <= mtu - headers[cell.family]);
    const dead = outcomes.filter(({ cell }) => cell.state === 'gives-up' && cell.message === 'host-unreachable');
    const softly = dead.filter(({ facts }) => is(errnos(facts['client.errors']), 'EHOSTUNREACH'));
    const both = opening.length > 0 && open.length > 0;
    const kindsOf = (some: typeof outcomes) => new Set(some.map(({ cell }) => cell.message)).size;
    return {
      headline:
        both && ended.length === opening.length && alive.length === open.length
          ? `Of ${kindsOf([...opening, ...others])} ICMP messages, ${kindsOf(ended)} end connect(2) at once; none ends an open connection.`
          : open.length > 0
            ? `An established connection survives an ICMP message in ${share(alive, open)} cases.`
            : opening.length > 0
              ? `An ICMP error ended connect() at once in ${share(ended, opening)} cases.`
              : dead.length > 0
                ? `A connection that gave up reported the ICMP error in ${share(softly, dead)} cases.`
                : others.length > 0 && `connect() outlived the message in ${share(opened, others)} cases.`,
      findings: [
        finding(
          share(ended, opening),
          'In SYN-SENT an error makes connect(2) fail at once: host unreachable with EHOSTUNREACH, port with ECONNREFUSED, network with ENETUNREACH.',
        ),
        seemed.length > 0 &&
          finding(
            share(seemed, opening),
            'connect(2) seemed to succeed, and the next call got the errno: over IPv4 the message wakes the application before the socket has its errno.',
          ),
        finding(
          share(alive, open),
          'In ESTABLISHED no ICMP message ends the connection: the data is sent again and arrives.',
        ),
        finding(
          share(told, soft),
          'In ESTABLISHED the error is a soft error: SO_ERROR returns it, and the connection goes on.',
        ),
        finding(
          share(softly, dead),
          'If the path stays dead after host unreachable, the connection ends with EHOSTUNREACH, the soft error, instead of ETIMEDOUT.',
        ),
        finding(
          share(opened, others),
          'Source quench and fragmentation needed do not end connect(2): the SYN is sent again.',
        ),
        finding(share(fits, smaller), `"Fragmentation needed" with an MTU of ${mtu} makes segments smaller.`),
      ],
    };
  },
});
