import { ack, experiment, finding, is, share, syn, synAck } from 'lingerlab';
import { asking, settle, showing } from './shared/asking.ts';

/** The kernel processes an ACK within µs; a busy machine needs longer. */
const atOnceMs = 10;

/** States of client and server that `ss` can show at one moment. */
const pairs = [
  'SYN-SENT –',
  'SYN-SENT SYN-SENT',
  'SYN-SENT SYN-RECEIVED',
  'SYN-RECEIVED SYN-RECEIVED',
  'ESTABLISHED –',
  'ESTABLISHED SYN-RECEIVED',
  'ESTABLISHED ESTABLISHED',
] as const;

/** The pairs in which the client is in SYN-SENT. */
const inSynSent: readonly string[] = ['SYN-SENT –', 'SYN-SENT SYN-SENT', 'SYN-SENT SYN-RECEIVED'];

export default experiment({
  id: 'handshake',
  question: 'Which states does each end pass while a connection opens?',
  tags: [
    'SYN',
    'SYN-ACK',
    'three-way handshake',
    'SYN-SENT',
    'SYN-RECEIVED',
    'SYN cookies',
    'tcp_syncookies',
    'simultaneous open',
    'self-connect',
  ],
  symptoms: ['connect to itself', 'connected to own port', 'SYN_RECV'],
  factors: {
    opening: ['answered', 'cookies', 'simultaneous', 'self'],
    family: [4, 6],
  },
  words: {
    opening: {
      text: 'how the connection opens',
      values: {
        answered: 'a listener answers the SYN',
        cookies: 'a listener answers the SYN with a SYN cookie',
        simultaneous: 'both ends connect to each other at once; no socket listens',
        self: 'a socket connects to its own address and port; no socket listens',
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ opening, family }) => family === 4 || opening === 'answered' || opening === 'cookies',
  network: 'wire',
  seconds: 1.5,
  // 2 answers every SYN with a cookie; 1 does so only while the queue of requests is full
  sysctls: ({ opening }) => ({ 'net.ipv4.tcp_syncookies': opening === 'cookies' ? 2 : undefined }),
  measures: asking(pairs),
  shows: ['client.path', 'server.path', 'shown', 'answer', 'server.stateMs.SYN-RECEIVED'],

  async scenario(stage, { opening, family }) {
    const { client, server, wire, until } = stage;
    const show = showing(stage);

    if (opening === 'self') {
      const here = client.place({ family });
      const near = await client.open(here, { localPort: here.at.port });
      await settle(stage, near);
      return show(near, near);
    }

    if (opening === 'simultaneous') {
      const [here, there] = [client.place({ family }), server.place({ family })];
      const syns = [
        await wire.hold(syn.from('client'), { times: 1 }),
        await wire.hold(syn.from('server'), { times: 1 }),
      ];
      // an end in SYN-RECEIVED would acknowledge a SYN that is sent again
      const again = await wire.drop(syn);
      const answers = await wire.hold(synAck);
      const near = await client.open(there, { localPort: here.at.port });
      const far = await server.open(here, { localPort: there.at.port });
      await Promise.all([wire.seen(syn.from('client')), wire.seen(syn.from('server'))]);
      await show(near, far);
      await Promise.all(syns.map((one) => one.release()));
      await Promise.all([until(near, 'SYN-RECEIVED'), until(far, 'SYN-RECEIVED')]);
      await show(near, far);
      await again.lift();
      await answers.lift();
      await answers.release();
      await settle(stage, near);
      await far.connected();
      return show(near, far);
    }

    const listener = await server.listen({ family });
    const answers = await wire.hold(synAck);
    const last = await wire.hold(ack.from('client'), { times: 1 });
    // the client acknowledges each SYN-ACK that is sent again
    await wire.drop(ack.from('client').withAck(1));
    const near = await client.open(listener);
    await wire.seen(synAck);
    await show(near, near.other);
    await answers.release();
    await answers.lift();
    await settle(stage, near);
    await wire.seen(ack.from('client'));
    await show(near, near.other);
    await last.release();
    await until(await listener.accepted(near), 'ESTABLISHED');
    await show(near, near.other);
  },

  claims: [
    {
      id: 'syn-sent',
      text: "the client is in SYN-SENT until a SYN-ACK, or the other end's SYN, arrives",
      source: 'RFC 9293 §3.3.2',
      when: ({ opening }) => opening !== 'self',
      holds: (facts) => inSynSent.includes(facts.shown[0] ?? '') && facts['client.path'][0] === 'SYN-SENT',
    },
    {
      id: 'two-halves',
      text: 'the client is ESTABLISHED when the SYN-ACK arrives; until the ACK arrives the server has a mini-socket in SYN-RECEIVED, which no process holds',
      source: 'RFC 9293 §3.5, figure 6; struct request_sock in include/net/request_sock.h',
      when: ({ opening }) => opening === 'answered',
      holds: (facts) =>
        facts.shown[0] === 'SYN-SENT SYN-RECEIVED' &&
        facts.shown[1] === 'ESTABLISHED SYN-RECEIVED' &&
        facts['server.miniSocket'].includes('SYN-RECEIVED'),
    },
    {
      id: 'cookie-keeps-nothing',
      text: 'a server that answers with a SYN cookie has no socket until the ACK returns the cookie',
      source:
        'RFC 4987 §3.6; tcp_conn_request() in net/ipv4/tcp_input.c, cookie_v4_check() in net/ipv4/syncookies.c, cookie_v6_check() in net/ipv6/syncookies.c',
      when: ({ opening }) => opening === 'cookies',
      holds: (facts) =>
        is(facts.shown, 'SYN-SENT –', 'ESTABLISHED –', 'ESTABLISHED ESTABLISHED') &&
        facts['counters.server.TcpExt.SyncookiesRecv'] === 1,
    },
    {
      id: 'cookie-opens-at-once',
      text: 'with a SYN cookie the server is in SYN-RECEIVED only while its kernel processes the ACK, which creates the socket',
      source: `tcp_get_cookie_sock() in net/ipv4/syncookies.c, tcp_child_process() in net/ipv4/tcp_minisocks.c. Tolerance: ${atOnceMs} ms of a busy machine`,
      when: ({ opening }) => opening === 'cookies',
      holds: (facts) => facts['server.stateMs.SYN-RECEIVED'] < atOnceMs,
    },
    {
      id: 'both-may-open',
      text: 'SYNs that cross open one connection without a listener: both ends pass SYN-SENT and SYN-RECEIVED as full sockets',
      source: 'RFC 9293 §3.5, figure 7; MUST-10',
      when: ({ opening }) => opening === 'simultaneous',
      holds: (facts) =>
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED') &&
        is(facts['server.path'], ...facts['client.path']) &&
        is(facts.shown, 'SYN-SENT SYN-SENT', 'SYN-RECEIVED SYN-RECEIVED', 'ESTABLISHED ESTABLISHED') &&
        facts['counters.client.Tcp.ActiveOpens'] === 1 &&
        facts['counters.server.Tcp.ActiveOpens'] === 1,
    },
    {
      id: 'one-socket-is-both-ends',
      text: 'a socket that connects to its own address and port is connected to itself, through the same states and without a listener',
      source: 'RFC 9293 §3.5, figure 7; tcp_rcv_synsent_state_process() in net/ipv4/tcp_input.c',
      when: ({ opening }) => opening === 'self',
      holds: (facts) =>
        facts.answer === 'ok' &&
        is(facts['client.path'], 'SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED') &&
        facts['counters.client.Tcp.ActiveOpens'] === 1 &&
        !('server.path' in facts),
    },
  ],

  answer(outcomes) {
    const of = (opening: string) => outcomes.filter(({ cell }) => cell.opening === opening);
    const [answered, cookies, crossing, self] = [of('answered'), of('cookies'), of('simultaneous'), of('self')];
    const requests = answered.filter(({ facts }) => facts.shown.includes('ESTABLISHED SYN-RECEIVED'));
    const none = cookies.filter(({ facts }) => facts.shown.includes('ESTABLISHED –'));
    const passed = crossing.filter(({ facts }) => facts.shown.includes('SYN-RECEIVED SYN-RECEIVED'));
    const connected = [...crossing, ...self].filter(({ facts }) => facts.answer === 'ok');
    const toItself = self.filter(({ facts }) => facts.answer === 'ok');
    return {
      headline:
        answered.length > 0
          ? `With a listener, the client is ESTABLISHED first, the server when the ACK arrives${requests.length < answered.length ? ` (${share(requests, answered)})` : ''}.`
          : cookies.length > 0
            ? none.length === cookies.length
              ? 'With a SYN cookie, the server has no socket until the ACK arrives.'
              : `With a SYN cookie, the server has no socket at first in ${share(none, cookies)} cases.`
            : connected.length > 0
              ? 'A connection can open without a listener.'
              : 'No connection opens without a listener.',
      findings: [
        finding(
          share(requests, answered),
          'The client is ESTABLISHED when the SYN-ACK arrives; the server has a mini-socket in SYN-RECEIVED, which no process holds, until the ACK arrives.',
        ),
        finding(share(none, cookies), 'A server that answers with a SYN cookie has no socket until the ACK arrives.'),
        finding(
          share(passed, crossing),
          'Two SYNs that cross open one connection without a listener; both ends pass SYN-RECEIVED.',
        ),
        finding(share(toItself, self), 'A socket that connects to its own address and port is connected to itself.'),
      ],
    };
  },
});
