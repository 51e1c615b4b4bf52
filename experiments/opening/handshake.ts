import { setTimeout } from 'node:timers/promises';
import { ack, experiment, is, kind, type Opened, type Side, type Stage, sentence, share, syn, synAck } from 'lingerlab';

/** The first SYN's and SYN-ACK's timer, RFC 6298 §2; TCP_TIMEOUT_INIT in include/net/tcp.h. */
const firstMs = 1000;
/** A timer of 1 to 4 s is up to 80 ms late by the wheel's granularity at HZ 100, 250 and 1000; the rest is for a busy machine. */
const lateMs = 250;
/** A segment's time is when the wire read it, which on a busy machine was up to 48 ms late: so much less is a gap behind it. */
const earlyMs = 100;

/** From so long before a request is given up at the earliest, it is looked for so often. */
const closelyMs = 300;
const everyMs = 20;
/** An ACK is processed in µs; a busy machine. */
const atOnceMs = 10;

const lostOf = { 'syn-lost-once': 1, 'syn-lost-thrice': 3 } as const;
const isSynLost = (opening: string): opening is keyof typeof lostOf => opening in lostOf;
const synRetries = 2;
const synAckRetries = 1;

/** Of all retries together: tcp_model_timeout() in net/ipv4/tcp_timer.c, (2^(retries+1) - 1) times the first. */
const givesUpMs = (retries: number) => (2 ** (retries + 1) - 1) * firstMs;

/** What `ss` shows of both ends at once. */
const pairs = [
  'SYN-SENT –',
  'SYN-SENT SYN-SENT',
  'SYN-SENT SYN-RECEIVED',
  'SYN-RECEIVED SYN-RECEIVED',
  'ESTABLISHED –',
  'ESTABLISHED SYN-RECEIVED',
  'ESTABLISHED ESTABLISHED',
  '– –',
] as const;

/** Those in which the client is in SYN-SENT. */
const inSynSent: readonly string[] = ['SYN-SENT –', 'SYN-SENT SYN-SENT', 'SYN-SENT SYN-RECEIVED'];

const measures = {
  shown: { ...kind.words(...pairs), text: 'what ss showed of client and server each time that it was asked' },
  answer: kind.outcome({ text: 'what the kernel made of connect(2)' }),
  answeredMs: kind.ms({ text: 'from connect(2) to that' }),
  syns: kind.count({ text: 'SYNs that the client sent before it was answered or gave up', compare: 'measurement' }),
  linear: kind.count({
    text: 'SYNs that are sent again before the wait doubles: tcp_syn_linear_timeouts, 0 where there is none',
  }),
  mostLateMs: kind.ms({ text: 'the most by which a SYN, or the end of them, came later than its timer says' }),
  mostEarlyMs: kind.ms({ text: 'the most by which one came earlier' }),
  requestLeastMs: kind.ms({
    text: 'from the SYN-ACK until /proc/net/tcp last had the request: how long it was there at least',
  }),
  requestMostMs: kind.ms({ text: 'from connect(2) until it first did not: how long it was there at most' }),
} as const;
type Played = Stage<readonly [], typeof measures>;

/** How long the client waits after its nth SYN, ms: tcp_retransmit_timer() in net/ipv4/tcp_timer.c. */
const waitAfter = (nth: number, linear: number) => firstMs * 2 ** Math.max(0, nth - 1 - linear);

/** Each time since the first SYN against what the timers say; the last may be when the socket was gone. */
function noteTimes({ note, sysctl }: Played, times: readonly number[]): void {
  const linear = Number(sysctl('net.ipv4.tcp_syn_linear_timeouts', 'client')?.value ?? 0);
  const off = times.slice(1).map((t, index) => (t - (times[index] as number)) / 1e6 - waitAfter(index + 1, linear));
  note('linear', linear);
  note('mostLateMs', Math.max(0, ...off));
  note('mostEarlyMs', Math.max(0, ...off.map((each) => -each)));
}

/**
 * Look whether the server has a request, as it did just now, until it has none, and say between which looks it went. Without
 * rest() and ss, for whose turn a look on a busy machine waited up to 1.3 s.
 */
async function watchRequest({ synReceived, note }: Played, began: number, answered: number): Promise<void> {
  const now = () => performance.now();
  note('requestLeastMs', 0);
  await setTimeout(givesUpMs(synAckRetries) - closelyMs - (now() - answered));
  for (let asked = now(); synReceived('server') > 0; asked = now()) {
    note('requestLeastMs', asked - answered);
    await setTimeout(everyMs);
  }
  note('requestMostMs', now() - began);
}

/** How many SYNs the client sent, and when. */
async function noteSyns(stage: Played, count: number): Promise<void> {
  const times: number[] = [];
  for (let nth = 1; nth <= count; nth++) times.push((await stage.wire.seen(syn.from('client').nth(nth))).t);
  stage.note('syns', count);
  noteTimes(stage, times);
}

export default experiment({
  id: 'handshake',
  question: 'Which states does a connection open through, and what does each end do when no answer comes?',
  factors: {
    opening: [
      'answered',
      'syn-lost-once',
      'syn-lost-thrice',
      'no-answer',
      'refused',
      'unreachable',
      'last-ack-lost',
      'cookies',
      'simultaneous',
      'self',
    ],
    family: [4, 6],
  },
  only: ({ opening, family }) => family === 4 || ['answered', 'refused', 'unreachable', 'cookies'].includes(opening),
  network: 'wire',
  seconds: ({ opening }) =>
    ({ 'syn-lost-once': 2, 'syn-lost-thrice': 4, 'no-answer': 8, 'last-ack-lost': 5 })[opening as string] ?? 1.5,
  sysctls: ({ opening }) => ({
    'net.ipv4.tcp_syn_retries': opening === 'no-answer' ? synRetries : undefined,
    'net.ipv4.tcp_synack_retries': opening === 'last-ack-lost' ? synAckRetries : undefined,
    // 2: a cookie for every SYN, and not only where the queue of requests is full
    'net.ipv4.tcp_syncookies': opening === 'cookies' ? 2 : undefined,
  }),
  measures,
  shows: [
    'client.path',
    'server.path',
    'shown',
    'answer',
    'answeredMs',
    'syns',
    'requestLeastMs',
    'requestMostMs',
    'server.stateMs.SYN-RECEIVED',
    'client.errors',
    'client.resentAt',
    'server.resentAt',
  ],

  async scenario(stage, { opening, family }) {
    const { client, server, wire, until, look, note } = stage;
    const shown: (typeof pairs)[number][] = [];
    const show = async (near: Side, other: Side) => {
      const states = await Promise.all([near, other].map(async (side) => (await look(side))?.state ?? '–'));
      shown.push(states.join(' ') as (typeof pairs)[number]);
      note('shown', shown);
    };
    const settle = async (near: Opened) => {
      const answer = await near.connected().answer();
      note('answer', answer.outcome);
      note('answeredMs', answer.ns / 1e6);
    };

    if (opening === 'self') {
      const here = client.place({ family });
      const near = await client.open(here, { localPort: here.at.port });
      await settle(near);
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
      await settle(near);
      await far.connected();
      return show(near, far);
    }

    if (opening === 'refused' || opening === 'unreachable' || opening === 'no-answer') {
      if (opening !== 'refused') await wire.blackhole(syn);
      // bound, and nobody listens; an address without a socket; a listener whose SYNs are lost
      const to = {
        refused: () => server.bind({ family }),
        unreachable: () => server.place({ family }),
        'no-answer': () => server.listen({ family }),
      };
      const near = await client.open(await to[opening]());
      if (opening === 'no-answer') await show(near, near.other);
      if (opening === 'unreachable') await wire.unreachable(await wire.seen(syn));
      await settle(near);
      await until(near, 'CLOSED');
      await show(near, near.other);
      if (opening === 'no-answer') await noteSyns(stage, (await wire.statistics()).dropped);
      return;
    }

    const listener = await server.listen({ family });
    if (isSynLost(opening)) {
      await wire.drop(syn, { times: lostOf[opening] });
      // and nobody looks: on a busy machine that can take longer than until the next one
      const near = await client.open(listener);
      await settle(near);
      await until(await listener.accepted(near), 'ESTABLISHED');
      return noteSyns(stage, await wire.count(syn));
    }

    const syns = await wire.hold(synAck);
    const acks = await wire.hold(ack.from('client'), { times: 1 });
    // of a SYN-ACK that was sent again
    await wire.drop(ack.from('client').withAck(1));
    const began = performance.now();
    const near = await client.open(listener);
    await wire.seen(synAck);
    const answered = performance.now();
    await show(near, near.other);
    await syns.release();
    await syns.lift();
    await settle(near);
    await wire.seen(ack.from('client'));
    await show(near, near.other);
    if (opening === 'last-ack-lost') {
      await watchRequest(stage, began, answered);
      await until(near.other, 'CLOSED');
    } else {
      await acks.release();
      await until(await listener.accepted(near), 'ESTABLISHED');
    }
    await show(near, near.other);
    if (opening !== 'last-ack-lost') return;
    noteTimes(stage, [(await wire.seen(synAck)).t, (await wire.seen(synAck.nth(2))).t]);
    await acks.release();
    await near.gone();
  },

  claims: [
    {
      id: 'syn-sent',
      text: 'while its SYN is not answered, the client is in SYN-SENT',
      source: 'RFC 9293 §3.3.2',
      when: ({ opening }) => !['refused', 'unreachable', 'self'].includes(opening) && !isSynLost(opening),
      holds: (facts) => inSynSent.includes(facts.shown[0] ?? '') && facts['client.path'][0] === 'SYN-SENT',
    },
    {
      id: 'two-halves',
      text: 'the client is ESTABLISHED with the SYN-ACK, the server with the ACK of that: until then it has a request in SYN-RECEIVED, a mini-socket without a process',
      source: 'RFC 9293 §3.5, figure 6; struct request_sock in include/net/request_sock.h',
      when: ({ opening }) => opening === 'answered' || opening === 'last-ack-lost',
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
      id: 'lost-syn-is-sent-again',
      text: `a SYN without an answer is sent again after 1 s, tcp_syn_linear_timeouts times more after 1 s, then after twice as long each time; a SYN-ACK after 1 s`,
      source: `RFC 6298 §2.1; tcp_retransmit_timer() in net/ipv4/tcp_timer.c. Tolerance: ${earlyMs} ms before, what the wire may be behind on a busy machine, ${lateMs} after, the timer wheel and a busy machine`,
      when: ({ opening }) => isSynLost(opening) || opening === 'no-answer' || opening === 'last-ack-lost',
      holds: (facts) => facts.mostLateMs <= lateMs && facts.mostEarlyMs <= earlyMs,
    },
    {
      id: 'opens-all-the-same',
      text: 'where one SYN or three are lost, the connection opens with the first that arrives',
      source: 'RFC 9293 §3.8.1',
      when: ({ opening }) => isSynLost(opening),
      holds: (facts, { opening }) =>
        facts.answer === 'ok' &&
        is(facts['client.path'], 'SYN-SENT', 'ESTABLISHED') &&
        facts.syns === lostOf[opening as keyof typeof lostOf] + 1 &&
        facts['server.path'].at(-1) === 'ESTABLISHED',
    },
    {
      id: 'gives-up',
      text: `with tcp_syn_retries ${synRetries}, connect(2) gives up with ETIMEDOUT after (2^(${synRetries}+1) - 1) s, ${givesUpMs(synRetries) / 1000} s, though tcp_syn_linear_timeouts may have sent more than ${synRetries} retries`,
      source: `retransmits_timed_out() in net/ipv4/tcp_timer.c. Tolerance: never early; each of its timers up to ${lateMs} ms late`,
      when: ({ opening }) => opening === 'no-answer',
      holds: (facts) =>
        facts.answer === 'ETIMEDOUT' &&
        facts.answeredMs >= givesUpMs(synRetries) &&
        facts.answeredMs <= givesUpMs(synRetries) + facts.syns * lateMs &&
        is(facts['client.path'], 'SYN-SENT', 'CLOSED') &&
        facts['server.path'].length === 0,
    },
    {
      id: 'refused-at-once',
      text: 'where nobody listens a RST answers the SYN, and connect(2) is refused at once',
      source: `RFC 9293 §3.10.7.1; tcp_reset() in net/ipv4/tcp_input.c. At once: before a SYN is sent again, ${firstMs} ms`,
      when: ({ opening }) => opening === 'refused',
      holds: (facts) =>
        facts.answer === 'ECONNREFUSED' &&
        facts.answeredMs < firstMs &&
        is(facts['server.closedWith'], 'RST') &&
        facts['server.path'].length === 0,
    },
    {
      id: 'unreachable-at-once',
      text: 'a router that reports the host unreachable ends connect(2) at once with EHOSTUNREACH, before a SYN is sent again',
      source: `tcp_v4_err() in net/ipv4/tcp_ipv4.c, tcp_v6_err() in net/ipv6/tcp_ipv6.c, SYN-SENT; otherwise than RFC 1122 §4.2.3.9, a soft error; RFC 5461. At once: within ${firstMs} ms`,
      when: ({ opening }) => opening === 'unreachable',
      holds: (facts) =>
        facts.answer === 'EHOSTUNREACH' && facts.answeredMs < firstMs && is(facts['client.path'], 'SYN-SENT', 'CLOSED'),
    },
    {
      id: 'request-is-given-up',
      text: `with tcp_synack_retries ${synAckRetries}, a request whose ACK does not come is given up after (2^(${synAckRetries}+1) - 1) s, ${givesUpMs(synAckRetries) / 1000} s, and nothing is sent: the client stays ESTABLISHED, and what it sends is answered by a RST`,
      source: `reqsk_timer_handler() in net/ipv4/inet_connection_sock.c. Tolerance: never early; each of its timers up to ${lateMs} ms late; it went between two looks at /proc/net/tcp`,
      when: ({ opening }) => opening === 'last-ack-lost',
      holds: (facts) =>
        facts.requestMostMs >= givesUpMs(synAckRetries) &&
        facts.requestLeastMs <= givesUpMs(synAckRetries) + (synAckRetries + 1) * lateMs &&
        facts.requestMostMs < givesUpMs(synAckRetries + 1) &&
        facts.shown.at(-1) === 'ESTABLISHED –' &&
        is(facts['server.path'], 'SYN-RECEIVED', 'CLOSED') &&
        is(facts['server.closedWith'], 'RST') &&
        facts['client.errors'].at(-1)?.errno === 'ECONNRESET',
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
    const inSeconds = (digits: number, ...times: readonly number[]) =>
      times.map((ms) => (ms / 1000).toFixed(digits)).join(' and ');
    const seconds = (chosen: typeof outcomes) => chosen.map(({ facts }) => inSeconds(1, facts.answeredMs)).join(', ');
    const between = (chosen: typeof outcomes) =>
      chosen.map(({ facts }) => inSeconds(2, facts.requestLeastMs, facts.requestMostMs)).join(', ');
    const answers = (chosen: typeof outcomes) => [...new Set(chosen.map(({ facts }) => facts.answer))].join(', ');
    const waiting = of('answered', 'last-ack-lost', 'cookies');
    const requests = waiting.filter(({ facts }) => facts.shown.includes('ESTABLISHED SYN-RECEIVED'));
    const [late, once, thrice] = [of('last-ack-lost'), of('syn-lost-once'), of('syn-lost-thrice')];
    const [silent, refused, unreachable] = [of('no-answer'), of('refused'), of('unreachable')];
    const self = of('self');
    return sentence(
      waiting.length > 0 &&
        `while the server waited for the ACK of its SYN-ACK, ss showed its request in SYN-RECEIVED in ` +
          `${share(requests, waiting)} handshakes${of('cookies').length > 0 ? ` (${of('cookies').length} with SYN cookies)` : ''}`,
      late.length > 0 &&
        `without an ACK it went between ${between(late)} s after it had come (tcp_synack_retries ${synAckRetries})`,
      once.length > 0 && `a SYN lost once opened after ${seconds(once)} s`,
      thrice.length > 0 && `a SYN lost thrice after ${seconds(thrice)} s`,
      silent.length > 0 &&
        `without any answer connect(2) said ${answers(silent)} after ${seconds(silent)} s and ` +
          `${silent.map(({ facts }) => facts.syns).join(', ')} SYNs (tcp_syn_retries ${synRetries})`,
      refused.length > 0 && `where nobody listened connect(2) said ${answers(refused)}`,
      unreachable.length > 0 && `where a router said that the host cannot be reached, ${answers(unreachable)}`,
      self.length > 0 && `connected to itself, ${answers(self)}`,
    );
  },
});
