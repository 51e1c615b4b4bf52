import {
  ack,
  experiment,
  finding,
  is,
  kind,
  type Opened,
  type RawSocket,
  range,
  rst,
  type Stage,
  share,
  synAck,
} from 'lingerlab';
import { asking, settle, showing } from './shared/asking.ts';

/** Length of the queue; one connection more fits: sk_acceptq_is_full() in include/net/sock.h. */
const backlog = 2;
/** More connections than fit are never needed. */
const most = 8;
/** Bytes that a client writes. */
const sentBytes = 5;
/** A SYN and a SYN-ACK are sent again after so long: TCP_TIMEOUT_INIT in include/net/tcp.h. */
const againMs = 1000;
/** A SYN that is not answered in so many seconds is dropped: the kernel answers within µs. */
const answeredSeconds = 0.3;

/** Data that is dropped is sent again after an RTO, 200 ms at least, then each time after twice as long: several times in so many seconds. */
const dataSeconds = 5;

/** States of client and server that `ss` can show at one moment. */
const pairs = ['SYN-SENT –', 'ESTABLISHED SYN-RECEIVED', 'ESTABLISHED –', 'ESTABLISHED ESTABLISHED', '– –'] as const;

const asked = {
  factors: {
    comes: ['SYN', 'ACK', 'cookie'],
    abort: [0, 1],
    limit: ['backlog', 'somaxconn'],
    family: [4, 6],
  },
  connections: ['waiting'],
  measures: {
    ...asking(pairs),
    fits: kind.count({ label: 'in the queue', text: 'connections that the queue took before a SYN got no answer' }),
    answered: {
      ...kind.word('nothing', 'RST'),
      label: 'answer to the ACK',
      text: 'what the server answered to the ACK of the handshake',
    },
    taken: kind.bytes({ label: 'data that arrived', text: 'bytes of the client that an accepted socket had' }),
    got: kind.outcome({
      label: 'client reads',
      text: "what the client's application read: the end of the stream (ok), or an error",
    }),
    'counters.server.TcpExt.ListenOverflows': kind.count({
      text: 'connections that found the accept queue full',
      compare: 'measurement',
    }),
    'counters.server.TcpExt.ListenDrops': kind.count({
      text: 'SYNs and ACKs that a listener dropped',
      compare: 'measurement',
    }),
    'counters.server.TcpExt.SyncookiesSent': kind.count({ text: 'SYN cookies that were sent', compare: 'measurement' }),
    'counters.server.TcpExt.SyncookiesRecv': kind.count({ text: 'SYN cookies that came back', compare: 'measurement' }),
  },
} as const;
type Played = Stage<typeof asked.connections, typeof asked.measures>;

/** Connects, and waits until the connection is in the queue. */
async function enqueue({ client, until }: Played, listener: RawSocket): Promise<Opened> {
  const near = await client.open(listener);
  await until(near.other, 'ESTABLISHED');
  return near;
}

/** Fills the queue until a SYN gets no answer; then the application accepts one connection. */
async function synAtFullQueue(stage: Played, listener: RawSocket): Promise<void> {
  const { client, wire, until, note } = stage;
  for (let fits = 0; fits < most; fits++) {
    const near = await client.open(listener, { as: 'waiting', again: true });
    if (await wire.seen(synAck.on(near), { within: answeredSeconds })) {
      await until(near.other, 'ESTABLISHED');
      continue;
    }
    note('fits', fits);
    await showing<(typeof pairs)[number]>(stage)(near, near.other);
    await listener.accept();
    await settle(stage, near);
    await until(near.other, 'ESTABLISHED');
    return;
  }
  note('fits', most);
}

/** The ACK of a handshake is held until the queue is full. */
async function ackAtFullQueue(stage: Played, listener: RawSocket, cookie: boolean): Promise<void> {
  const { client, wire, until, note } = stage;
  const held = await wire.hold(ack.from('client'));
  // the queue of requests is full when it is longer than the backlog: the next SYN gets a cookie
  const others = [];
  for (let each = 0; cookie && each <= backlog; each++) others.push(await client.open(listener));
  for (const other of others) await other.connected();
  const near = await client.open(listener, { as: 'waiting' });
  await settle(stage, near);
  // a client acknowledges each SYN-ACK that is sent again
  for (const other of others) await wire.drop(ack.from('client').withAck(1).on(other));
  const again = await wire.drop(ack.from('client').withAck(1).on(near));
  await held.lift();
  for (let each = 0; each <= backlog; each++) await enqueue(stage, listener);

  await again.lift();
  await held.release();
  await wire.answers(await wire.seen(ack.from('client').on(near)));
  const isReset = (await wire.count(rst.from('server').on(near))) > 0;
  note('answered', isReset ? 'RST' : 'nothing');
  if (isReset) return note('got', (await near.ended().answer()).outcome);
  await showing<(typeof pairs)[number]>(stage)(near, near.other);

  await near.write(sentBytes);
  for (let each = 0; each <= backlog; each++) await listener.accept();
  await until(near.other, 'ESTABLISHED');
  const far = await listener.accept();
  await far.poll({ for: ['POLLIN'], within: dataSeconds });
  note('taken', await far.receiveQueue());
}

export default experiment({
  ...asked,
  id: 'accept-queue',
  question: 'What becomes of a connection that finds the accept queue full?',
  tags: [
    'backlog',
    'somaxconn',
    'listen',
    'accept queue',
    'tcp_abort_on_overflow',
    'ListenOverflows',
    'SYN cookies',
    'SYN-RECEIVED',
  ],
  symptoms: [
    'backlog full',
    'accept queue overflow',
    'times the listen queue of a socket overflowed',
    'connected but the server never answers',
    'SYNs to LISTEN sockets dropped',
  ],
  words: {
    comes: {
      text: 'what comes to the listener when the accept queue is full',
      values: {
        SYN: 'a SYN',
        ACK: "the client's ACK of a handshake",
        cookie: 'such an ACK that returns a SYN cookie: the queue of handshakes was full, too',
      },
    },
    abort: {
      text: 'net.ipv4.tcp_abort_on_overflow',
      values: { 0: '0, the default', 1: '1: a RST answers the ACK of a handshake where the accept queue is full' },
    },
    limit: {
      text: 'what limits the accept queue',
      values: {
        backlog: `backlog ${backlog} of listen(2)`,
        somaxconn: `net.core.somaxconn ${backlog}, less than the backlog ${most} of listen(2)`,
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ comes, abort, limit, family }) => limit === 'backlog' || (comes === 'SYN' && abort === 0 && family === 4),
  network: 'wire',
  seconds: ({ comes }) => (comes === 'SYN' ? 2 : 1),
  sysctls: ({ abort, limit }) => ({
    'net.ipv4.tcp_abort_on_overflow': abort,
    'net.core.somaxconn': limit === 'somaxconn' ? backlog : undefined,
  }),
  shows: [
    'shown',
    'answered',
    'got',
    'taken',
    'waiting.client.path',
    'waiting.server.path',
    'fits',
    'counters.server.TcpExt.ListenOverflows',
  ],

  async scenario(stage, { comes, limit, family }) {
    const listener = await stage.server.socket({ family });
    await listener.bind();
    await listener.listen({ backlog: limit === 'somaxconn' ? most : backlog });
    if (comes === 'SYN') await synAtFullQueue(stage, listener);
    else await ackAtFullQueue(stage, listener, comes === 'cookie');
  },

  claims: [
    {
      id: 'one-more-than-the-backlog',
      text: 'the queue takes one connection more than the backlog of listen(2), or than net.core.somaxconn where that is less; then a SYN is dropped: the client stays in SYN-SENT, the server has no socket',
      source: `listen(2); sk_acceptq_is_full() in include/net/sock.h, tcp_conn_request() in net/ipv4/tcp_input.c. No answer within ${answeredSeconds} s`,
      when: ({ comes }) => comes === 'SYN',
      holds: (facts) =>
        facts.fits === backlog + 1 &&
        is(facts.shown, 'SYN-SENT –') &&
        facts['counters.server.TcpExt.ListenOverflows'] >= 1,
    },
    {
      id: 'dropped-syn-is-sent-again',
      text: 'a SYN that a full queue drops costs its client a second: the client connects when the SYN is sent again and the application has accepted, whatever tcp_abort_on_overflow is',
      source: `RFC 6298 §2.1; tcp_conn_request() does not read tcp_abort_on_overflow. Never before ${againMs} ms`,
      when: ({ comes }) => comes === 'SYN',
      holds: (facts) => facts.answer === 'ok' && facts.answeredMs >= againMs,
    },
    {
      id: 'dropped-ack-leaves-a-request',
      text: 'with tcp_abort_on_overflow 0 the ACK of a handshake is dropped where the queue is full: the client is ESTABLISHED, the server has a mini-socket in SYN-RECEIVED',
      source:
        'tcp_check_req() in net/ipv4/tcp_minisocks.c: listen_overflow; tcp_v4_syn_recv_sock() in net/ipv4/tcp_ipv4.c',
      when: ({ comes, abort }) => comes === 'ACK' && abort === 0,
      holds: (facts) =>
        facts.answered === 'nothing' &&
        is(facts.shown, 'ESTABLISHED SYN-RECEIVED') &&
        facts['counters.server.TcpExt.ListenOverflows'] >= 1,
    },
    {
      id: 'abort-resets',
      text: 'with tcp_abort_on_overflow 1 a RST answers the ACK of a handshake where the queue is full: the client, whose connect(2) has succeeded, reads ECONNRESET',
      source:
        'tcp_check_req() in net/ipv4/tcp_minisocks.c: embryonic_reset; tcp_abort_on_overflow in Documentation/networking/ip-sysctl.rst',
      when: ({ comes, abort }) => comes === 'ACK' && abort === 1,
      holds: (facts) => facts.answer === 'ok' && facts.answered === 'RST' && facts.got === 'ECONNRESET',
    },
    {
      id: 'cookie-leaves-nothing',
      text: 'where the ACK that finds the queue full returns a SYN cookie, the client is ESTABLISHED, and the server has no socket and sends no RST, whatever tcp_abort_on_overflow is',
      source: 'tcp_get_cookie_sock() in net/ipv4/syncookies.c: no child, no answer',
      when: ({ comes }) => comes === 'cookie',
      holds: (facts) =>
        facts.answered === 'nothing' &&
        is(facts.shown, 'ESTABLISHED –') &&
        facts['counters.server.TcpExt.SyncookiesSent'] >= 1 &&
        facts['counters.server.TcpExt.ListenOverflows'] >= 1,
    },
    {
      id: 'data-is-sent-again',
      text: 'what the client writes after its ACK was dropped is sent again until the application accepts: then the data completes the handshake, and nothing is lost',
      source:
        'RFC 9293 §3.8.1; tcp_check_req() in net/ipv4/tcp_minisocks.c, cookie_v4_check() in net/ipv4/syncookies.c',
      when: ({ comes, abort }) => comes === 'cookie' || (comes === 'ACK' && abort === 0),
      holds: (facts) => facts.taken === sentBytes,
    },
  ],

  guide: [
    {
      about: { backlog: 'measured' },
      claim: 'one-more-than-the-backlog',
      text: 'The queue takes one connection more than the backlog, or than net.core.somaxconn where that is less; then SYNs are dropped.',
    },
    {
      about: { backlog: 'costs', 'clients hang in connect': 'look at' },
      claim: 'dropped-syn-is-sent-again',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.answeredMs / 1000, { digits: 1, unit: 's' }),
      text: 'A SYN that a full accept queue drops costs the client {number}: connect(2) succeeds with the next SYN if there is room then.',
    },
    {
      about: { backlog: 'measured', 'clients hang in connect': 'look at' },
      claim: 'dropped-ack-leaves-a-request',
      text: 'With tcp_abort_on_overflow 0 a full queue drops the ACK of a handshake: the client is ESTABLISHED, the server in SYN-RECEIVED.',
    },
    {
      about: { backlog: 'risks' },
      claim: 'abort-resets',
      text: 'With tcp_abort_on_overflow 1 a full queue answers the ACK of a handshake with a RST: the client, whose connect(2) has succeeded, reads ECONNRESET.',
    },
    {
      id: 'abort-does-not-refuse',
      about: { backlog: 'measured', 'clients hang in connect': 'cannot help' },
      claim: 'dropped-syn-is-sent-again',
      when: ({ abort }) => abort === 1,
      text: 'tcp_abort_on_overflow 1 refuses no client whose SYN was dropped: connect(2) waits for the next SYN.',
    },
    {
      about: { 'clients hang in connect': 'helps' },
      claim: 'data-is-sent-again',
      text: 'Once the server accepts again, what clients wrote meanwhile arrives: nothing is lost (tcp_abort_on_overflow 0, or a SYN cookie).',
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (come: string) => outcomes.filter(({ cell }) => cell.comes === come);
    const [syns, acks, cookies] = [of('SYN'), of('ACK'), of('cookie')];
    const quiet = acks.filter(({ cell }) => cell.abort === 0);
    const aborted = acks.filter(({ cell }) => cell.abort === 1);
    const isAnswered = ({ facts }: Outcome, answer: string, shown?: (typeof pairs)[number]) =>
      facts.answered === answer && (shown === undefined || is(facts.shown, shown));
    const half = quiet.filter((each) => isAnswered(each, 'nothing', 'ESTABLISHED SYN-RECEIVED'));
    const reset = aborted.filter(
      (each) => isAnswered(each, 'RST') && each.facts.answer === 'ok' && each.facts.got === 'ECONNRESET',
    );
    const silent = cookies.filter((each) => isAnswered(each, 'nothing', 'ESTABLISHED –'));
    const dropped = syns.filter(({ facts }) => is(facts.shown, 'SYN-SENT –'));
    const writing = [...quiet, ...cookies];
    const taken = writing.filter(({ facts }) => facts.taken === sentBytes);
    return {
      headline:
        quiet.length > 0
          ? half.length === quiet.length
            ? `${syns.length > 0 && dropped.length === syns.length ? 'A full accept queue drops SYNs; if it' : 'If a full accept queue'} drops an ACK, only the client connects.`
            : `A full accept queue dropped the ACK in ${share(half, quiet)} cases.`
          : aborted.length > 0
            ? `tcp_abort_on_overflow 1 reset ${share(reset, aborted)} connections.`
            : cookies.length > 0
              ? `Full queues left ${share(silent, cookies)} clients connected to nothing.`
              : syns.length > 0 && `A full accept queue dropped the SYN in ${share(dropped, syns)} cases.`,
      findings: [
        finding(
          share(half, quiet),
          'With tcp_abort_on_overflow 0 a full queue drops the ACK of a handshake: the client is ESTABLISHED, the server in SYN-RECEIVED.',
        ),
        finding(
          share(reset, aborted),
          'With tcp_abort_on_overflow 1 a RST answers an ACK that finds the queue full: connect(2) succeeds, then the client reads ECONNRESET.',
        ),
        finding(
          share(silent, cookies),
          `If an ACK at a full queue returns a SYN cookie, the client is ESTABLISHED; the server has no socket and sends no RST${silent.some(({ cell }) => cell.abort === 1) ? ', even with tcp_abort_on_overflow 1' : ''}.`,
        ),
        finding(
          share(taken, writing),
          'After its ACK was dropped, with or without a cookie, the client sends its data again until the application accepts connections; then the data arrives.',
        ),
        dropped.length > 0 &&
          finding(
            share(dropped, syns),
            `A queue with the limit ${backlog} takes ${range(dropped, ({ facts }) => facts.fits)} connections; then a SYN is dropped: connect(2) takes ${range(dropped, ({ facts }) => facts.answeredMs / 1000, { digits: 1, unit: 's' })}, if the application has accepted by then.`,
          ),
      ],
    };
  },
});
