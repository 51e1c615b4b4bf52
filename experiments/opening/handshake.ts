import { ack, experiment, is, sentence, share, syn, synAck } from 'lingerlab';
import { asking, settle, showing } from './shared/asking.ts';

/** An ACK is processed in µs; a busy machine. */
const atOnceMs = 10;

/** What `ss` shows of both ends at once. */
const pairs = [
  'SYN-SENT –',
  'SYN-SENT SYN-SENT',
  'SYN-SENT SYN-RECEIVED',
  'SYN-RECEIVED SYN-RECEIVED',
  'ESTABLISHED –',
  'ESTABLISHED SYN-RECEIVED',
  'ESTABLISHED ESTABLISHED',
] as const;

/** Those in which the client is in SYN-SENT. */
const inSynSent: readonly string[] = ['SYN-SENT –', 'SYN-SENT SYN-SENT', 'SYN-SENT SYN-RECEIVED'];

export default experiment({
  id: 'handshake',
  question: 'Which states does a connection open through?',
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
  only: ({ opening, family }) => family === 4 || opening === 'answered' || opening === 'cookies',
  network: 'wire',
  seconds: 1.5,
  // 2: a cookie for every SYN, and not only where the queue of requests is full
  sysctls: ({ opening }) => ({ 'net.ipv4.tcp_syncookies': opening === 'cookies' ? 2 : undefined }),
  measures: asking(pairs),
  shows: ['client.path', 'server.path', 'shown', 'answer', 'answeredMs', 'server.stateMs.SYN-RECEIVED'],

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
      // one that is sent again, while someone looks, would be acknowledged
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
    // of a SYN-ACK that was sent again
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
      text: 'while its SYN is not answered, the client is in SYN-SENT',
      source: 'RFC 9293 §3.3.2',
      when: ({ opening }) => opening !== 'self',
      holds: (facts) => inSynSent.includes(facts.shown[0] ?? '') && facts['client.path'][0] === 'SYN-SENT',
    },
    {
      id: 'two-halves',
      text: 'the client is ESTABLISHED with the SYN-ACK, the server with the ACK of that: until then it has a request in SYN-RECEIVED, a mini-socket without a process',
      source: 'RFC 9293 §3.5, figure 6; struct request_sock in include/net/request_sock.h',
      when: ({ opening }) => opening === 'answered',
      holds: (facts) =>
        facts.shown[0] === 'SYN-SENT SYN-RECEIVED' &&
        facts.shown[1] === 'ESTABLISHED SYN-RECEIVED' &&
        facts['server.miniSocket'].includes('SYN-RECEIVED'),
    },
    {
      id: 'cookie-keeps-nothing',
      text: 'a server that answers with a SYN cookie has no socket until the ACK brings the cookie back',
      source:
        'RFC 4987 §3.6; tcp_conn_request() in net/ipv4/tcp_input.c, cookie_v4_check() in net/ipv4/syncookies.c, cookie_v6_check() in net/ipv6/syncookies.c',
      when: ({ opening }) => opening === 'cookies',
      holds: (facts) =>
        is(facts.shown, 'SYN-SENT –', 'ESTABLISHED –', 'ESTABLISHED ESTABLISHED') &&
        facts['counters.server.TcpExt.SyncookiesRecv'] === 1,
    },
    {
      id: 'cookie-opens-at-once',
      text: 'the SYN-RECEIVED that the trace has of it is a passage within the processing of that ACK, which makes the socket and opens it',
      source: `tcp_get_cookie_sock() in net/ipv4/syncookies.c, tcp_child_process() in net/ipv4/tcp_minisocks.c. At once: within ${atOnceMs} ms, a busy machine`,
      when: ({ opening }) => opening === 'cookies',
      holds: (facts) => facts['server.stateMs.SYN-RECEIVED'] < atOnceMs,
    },
    {
      id: 'both-may-open',
      text: 'SYNs that cross open one connection, with nobody listening: both ends pass SYN-SENT and SYN-RECEIVED, as full sockets',
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
      text: 'a socket that connects to its own address and port is connected to itself, through the same states: nobody listened, and connect(2) succeeds',
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
    const of = (...openings: readonly string[]) => outcomes.filter(({ cell }) => openings.includes(cell.opening));
    const [waiting, cookies, crossing, self] = [
      of('answered', 'cookies'),
      of('cookies'),
      of('simultaneous'),
      of('self'),
    ];
    const requests = waiting.filter(({ facts }) => facts.shown.includes('ESTABLISHED SYN-RECEIVED'));
    const passed = crossing.filter(({ facts }) => facts.shown.includes('SYN-RECEIVED SYN-RECEIVED'));
    return sentence(
      waiting.length > 0 &&
        `while the server waited for the ACK of its SYN-ACK, ss showed its request in SYN-RECEIVED in ` +
          `${share(requests, waiting)} handshakes${cookies.length > 0 ? ` (${cookies.length} with SYN cookies)` : ''}`,
      crossing.length > 0 &&
        `where SYNs crossed, both ends were in SYN-RECEIVED as full sockets in ${share(passed, crossing)}`,
      self.length > 0 &&
        `a socket that connects to itself: ${[...new Set(self.map(({ facts }) => facts.answer))].join(', ')}`,
    );
  },
});
