import { setTimeout } from 'node:timers/promises';
import { ack, experiment, is, kind, type Stage, sentence, syn, synAck } from 'lingerlab';
import { asking, settle, showing } from './shared/asking.ts';

/** The first SYN's and SYN-ACK's timer, RFC 6298 §2; TCP_TIMEOUT_INIT in include/net/tcp.h. */
const firstMs = 1000;
/** A timer of 1 to 4 s is up to 80 ms late by the wheel's granularity at HZ 100, 250 and 1000; the rest is for a busy machine. */
const lateMs = 250;
/** A segment's time is when the wire read it, which on a busy machine was up to 48 ms late: so much less is a gap behind it. */
const earlyMs = 100;

/** From so long before a request is given up at the earliest, it is looked for so often. */
const closelyMs = 300;
const everyMs = 20;
const lostOf = { 'syn-lost-once': 1, 'syn-lost-thrice': 3 } as const;
const isSynLost = (opening: string): opening is keyof typeof lostOf => opening in lostOf;
const synRetries = 2;
const synAckRetries = 1;

/** Of all retries together: tcp_model_timeout() in net/ipv4/tcp_timer.c, (2^(retries+1) - 1) times the first. */
const givesUpMs = (retries: number) => (2 ** (retries + 1) - 1) * firstMs;

/** What `ss` shows of both ends at once. */
const pairs = ['SYN-SENT –', 'SYN-SENT SYN-RECEIVED', 'ESTABLISHED SYN-RECEIVED', 'ESTABLISHED –', '– –'] as const;

const measures = {
  ...asking(pairs),
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
  id: 'unanswered',
  question: 'The segment that would open a connection does not come: what does each end do, and when?',
  tags: [
    'SYN',
    'connect timeout',
    'ETIMEDOUT',
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'tcp_syn_retries',
    'tcp_synack_retries',
    'tcp_syn_linear_timeouts',
  ],
  symptoms: [
    'connect hangs',
    'connect times out after two minutes',
    'connection timed out',
    'connection refused',
    'no route to host',
    'stuck in SYN_SENT',
    'SYN is retransmitted',
  ],
  factors: {
    opening: ['syn-lost-once', 'syn-lost-thrice', 'no-answer', 'refused', 'unreachable', 'last-ack-lost'],
    family: [4, 6],
  },
  only: ({ opening, family }) => family === 4 || opening === 'refused' || opening === 'unreachable',
  network: 'wire',
  seconds: ({ opening }) =>
    ({ 'syn-lost-once': 2, 'syn-lost-thrice': 4, 'no-answer': 8, 'last-ack-lost': 5 })[opening as string] ?? 1.5,
  sysctls: ({ opening }) => ({
    'net.ipv4.tcp_syn_retries': opening === 'no-answer' ? synRetries : undefined,
    'net.ipv4.tcp_synack_retries': opening === 'last-ack-lost' ? synAckRetries : undefined,
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
    const { client, server, wire, until } = stage;
    const show = showing(stage);

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
      await settle(stage, near);
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
      await settle(stage, near);
      await until(await listener.accepted(near), 'ESTABLISHED');
      return noteSyns(stage, await wire.count(syn));
    }

    const answers = await wire.hold(synAck);
    const last = await wire.hold(ack.from('client'), { times: 1 });
    // of a SYN-ACK that was sent again
    await wire.drop(ack.from('client').withAck(1));
    const began = performance.now();
    const near = await client.open(listener);
    await wire.seen(synAck);
    const answered = performance.now();
    await show(near, near.other);
    await answers.release();
    await answers.lift();
    await settle(stage, near);
    await wire.seen(ack.from('client'));
    await show(near, near.other);
    await watchRequest(stage, began, answered);
    await until(near.other, 'CLOSED');
    await show(near, near.other);
    noteTimes(stage, [(await wire.seen(synAck)).t, (await wire.seen(synAck.nth(2))).t]);
    await last.release();
    await near.gone();
  },

  claims: [
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
        is(facts.shown, 'SYN-SENT –', '– –') &&
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
        is(facts.shown, 'SYN-SENT SYN-RECEIVED', 'ESTABLISHED SYN-RECEIVED', 'ESTABLISHED –') &&
        facts['server.miniSocket'].includes('SYN-RECEIVED') &&
        is(facts['server.path'], 'SYN-RECEIVED', 'CLOSED') &&
        is(facts['server.closedWith'], 'RST') &&
        facts['client.errors'].at(-1)?.errno === 'ECONNRESET',
    },
  ],

  answer(outcomes) {
    const of = (opening: string) => outcomes.filter(({ cell }) => cell.opening === opening);
    const inSeconds = (digits: number, ...times: readonly number[]) =>
      times.map((ms) => (ms / 1000).toFixed(digits)).join(' and ');
    const seconds = (chosen: typeof outcomes) => chosen.map(({ facts }) => inSeconds(1, facts.answeredMs)).join(', ');
    const between = (chosen: typeof outcomes) =>
      chosen.map(({ facts }) => inSeconds(2, facts.requestLeastMs, facts.requestMostMs)).join(', ');
    const answers = (chosen: typeof outcomes) => [...new Set(chosen.map(({ facts }) => facts.answer))].join(', ');
    const [late, once, thrice] = [of('last-ack-lost'), of('syn-lost-once'), of('syn-lost-thrice')];
    const [silent, refused, unreachable] = [of('no-answer'), of('refused'), of('unreachable')];
    return sentence(
      once.length > 0 && `a SYN lost once opened after ${seconds(once)} s`,
      thrice.length > 0 && `a SYN lost thrice after ${seconds(thrice)} s`,
      silent.length > 0 &&
        `without any answer connect(2) said ${answers(silent)} after ${seconds(silent)} s and ` +
          `${silent.map(({ facts }) => facts.syns).join(', ')} SYNs (tcp_syn_retries ${synRetries})`,
      refused.length > 0 && `where nobody listened connect(2) said ${answers(refused)}`,
      unreachable.length > 0 && `where a router said that the host cannot be reached, ${answers(unreachable)}`,
      late.length > 0 &&
        `where the ACK of the SYN-ACK did not come, the server's request was removed between ${between(late)} s after it had come (tcp_synack_retries ${synAckRetries})`,
    );
  },
});
