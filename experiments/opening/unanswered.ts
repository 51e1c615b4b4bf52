import { setTimeout } from 'node:timers/promises';
import {
  ack,
  type errnos,
  experiment,
  finding,
  is,
  kind,
  largest,
  least,
  range,
  type Stage,
  sentence,
  share,
  syn,
  synAck,
} from 'lingerlab';
import { asking, settle, showing } from './shared/asking.ts';
import { seemedToSucceed } from './shared/icmp.ts';

/** First timer of a SYN and of a SYN-ACK, RFC 6298 §2; TCP_TIMEOUT_INIT in include/net/tcp.h. */
const firstMs = 1000;
/** Tolerance above: the timer wheel makes a timer of 1 to 4 s up to 80 ms late at HZ 100, 250 and 1000; a busy machine adds to that. */
const lateMs = 250;
/** Tolerance below: the wire read a segment up to 48 ms late on a busy machine, which shortens the gap to the next. */
const earlyMs = 100;

/** The scenario begins to look for the request so long before the kernel can drop it. */
const closelyMs = 300;
/** Pause between two looks. */
const everyMs = 20;
const lostOf = { 'syn-lost-once': 1, 'syn-lost-thrice': 3 } as const;
const isSynLost = (opening: string): opening is keyof typeof lostOf => opening in lostOf;
const synRetries = 2;
const synAckRetries = 1;

/** Time of all retries together, (2^(retries+1) - 1) times the first: tcp_model_timeout() in net/ipv4/tcp_timer.c. */
const givesUpMs = (retries: number) => (2 ** (retries + 1) - 1) * firstMs;

/** Of an outcome: what connect(2) returned, and what the calls of net after it got. */
interface Answered {
  readonly cell: { readonly family: 4 | 6 };
  readonly facts: {
    readonly answer: string;
    readonly answeredMs: number;
    readonly 'client.errors': Parameters<typeof errnos>[0];
  };
}

/** Whether the ICMP message ended the connect before the SYN was sent again. */
function endedByMessage({
  cell: { family },
  facts: { answer, answeredMs, 'client.errors': errors },
}: Answered): boolean {
  const errno = 'EHOSTUNREACH';
  return answeredMs < firstMs && (answer === errno || seemedToSucceed({ family, answer, errors, errno }));
}

/** States of client and server that `ss` can show at one moment. */
const pairs = ['SYN-SENT –', 'SYN-SENT SYN-RECEIVED', 'ESTABLISHED SYN-RECEIVED', 'ESTABLISHED –', '– –'] as const;

const measures = {
  ...asking(pairs),
  syns: kind.count({
    label: 'SYNs sent',
    text: 'SYNs that the client sent until the connection opened or connect(2) failed',
    compare: 'measurement',
  }),
  linear: kind.count({
    text: 'SYNs that the kernel sends again before the wait doubles: tcp_syn_linear_timeouts, 0 where the kernel has no such sysctl',
  }),
  mostLateMs: kind.ms({ text: 'largest delay of a segment that is sent again, after its timer' }),
  mostEarlyMs: kind.ms({ text: 'largest time by which a segment that is sent again came before its timer' }),
  requestLeastMs: kind.ms({
    label: 'mini-socket kept at least',
    text: 'time from the SYN-ACK until /proc/net/tcp last showed the mini-socket in SYN-RECEIVED: the least that the server kept it',
  }),
  requestMostMs: kind.ms({
    label: 'mini-socket kept at most',
    text: 'time from connect(2) until /proc/net/tcp first did not show the mini-socket: the most that the server kept it',
  }),
} as const;
type Played = Stage<readonly [], typeof measures>;

/** How long the client waits after its nth SYN, ms: tcp_retransmit_timer() in net/ipv4/tcp_timer.c. */
const waitAfter = (nth: number, linear: number) => firstMs * 2 ** Math.max(0, nth - 1 - linear);

/** How long the client waits after its first `count` SYNs together, ms. */
const waitsMs = (count: number, linear: number) =>
  Array.from({ length: count }, (_, at) => waitAfter(at + 1, linear)).reduce((sum, each) => sum + each);

/** Notes by how much the times of segments that are sent again differ from their timers. */
function noteTimes({ note, sysctl }: Played, times: readonly number[]): void {
  const linear = Number(sysctl('net.ipv4.tcp_syn_linear_timeouts', 'client')?.value ?? 0);
  const off = times.slice(1).map((t, index) => (t - (times[index] as number)) / 1e6 - waitAfter(index + 1, linear));
  note('linear', linear);
  note('mostLateMs', Math.max(0, ...off));
  note('mostEarlyMs', Math.max(0, ...off.map((each) => -each)));
}

/**
 * Looks until the server has no request, and notes between which looks the request was removed. Does not use rest() and ss: on a
 * busy machine a look waited up to 1.3 s for its turn.
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

/** Notes how many SYNs the client sent, and how far their times differ from the timers. */
async function noteSyns(stage: Played, count: number): Promise<void> {
  const times: number[] = [];
  for (let nth = 1; nth <= count; nth++) times.push((await stage.wire.seen(syn.from('client').nth(nth))).t);
  stage.note('syns', count);
  noteTimes(stage, times);
}

export default experiment({
  id: 'unanswered',
  question: 'What does each end do, and when, if a segment of the handshake does not arrive?',
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
  words: {
    opening: {
      text: 'what happens to the handshake',
      values: {
        'syn-lost-once': 'the first SYN is lost',
        'syn-lost-thrice': 'the first three SYNs are lost',
        'no-answer': `every SYN is lost, with tcp_syn_retries ${synRetries}`,
        refused: 'no socket listens on the port',
        unreachable: 'a router answers the SYN with ICMP "host unreachable"',
        'last-ack-lost': `the client's ACK is lost, with tcp_synack_retries ${synAckRetries}`,
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
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
      // a socket that is bound and does not listen; an address without a socket; a listener whose SYNs are lost
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
      // no look with ss here: on a busy machine a look can last until the next SYN
      const near = await client.open(listener);
      await settle(stage, near);
      await until(await listener.accepted(near), 'ESTABLISHED');
      return noteSyns(stage, await wire.count(syn));
    }

    const answers = await wire.hold(synAck);
    const last = await wire.hold(ack.from('client'), { times: 1 });
    // the client acknowledges each SYN-ACK that is sent again
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
      text: `a SYN without an answer is sent again after 1 s, then tcp_syn_linear_timeouts further times at 1 s each; after that, each wait doubles; a SYN-ACK is sent again after 1 s`,
      source: `RFC 6298 §2.1; tcp_retransmit_timer() in net/ipv4/tcp_timer.c. Tolerance: ${earlyMs} ms early, by which the wire can be late on a busy machine; ${lateMs} ms late, for the timer wheel and a busy machine`,
      when: ({ opening }) => isSynLost(opening) || opening === 'no-answer' || opening === 'last-ack-lost',
      holds: (facts) => facts.mostLateMs <= lateMs && facts.mostEarlyMs <= earlyMs,
    },
    {
      id: 'opens-all-the-same',
      text: 'if one or three SYNs are lost, the next SYN opens the connection',
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
      text: `with tcp_syn_retries ${synRetries} and the default tcp_syn_linear_timeouts 4, or where the kernel has no such sysctl, connect(2) fails with ETIMEDOUT after ${givesUpMs(synRetries) / 1000} s`,
      source: `tcp_syn_linear_timeouts in Documentation/networking/ip-sysctl.rst; tcp_write_timeout() in net/ipv4/tcp_timer.c. Tolerance: never early; each of its timers up to ${lateMs} ms late`,
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
      text: 'if no socket listens on the port, a RST answers the SYN, and connect(2) fails with ECONNREFUSED at once',
      source: `RFC 9293 §3.10.7.1; tcp_reset() in net/ipv4/tcp_input.c. At once: before the SYN is sent again, ${firstMs} ms`,
      when: ({ opening }) => opening === 'refused',
      holds: (facts) =>
        facts.answer === 'ECONNREFUSED' &&
        facts.answeredMs < firstMs &&
        is(facts['server.closedWith'], 'RST') &&
        facts['server.path'].length === 0,
    },
    {
      id: 'unreachable-at-once',
      text: 'if a router reports the host as unreachable, connect(2) fails with EHOSTUNREACH at once, before the SYN is sent again; over IPv4 connect(2) can seem to succeed, and the next call gets EHOSTUNREACH',
      source: `tcp_v4_err() in net/ipv4/tcp_ipv4.c, tcp_v6_err() in net/ipv6/tcp_ipv6.c, SYN-SENT; RFC 1122 §4.2.3.9 asks for a soft error, RFC 5461 describes this deviation. At once: within ${firstMs} ms. A race over IPv4: ip_icmp_error() in net/ipv4/ip_sockglue.c wakes the application before tcp_done_with_error()`,
      when: ({ opening }) => opening === 'unreachable',
      holds: (facts, cell) => endedByMessage({ cell, facts }) && is(facts['client.path'], 'SYN-SENT', 'CLOSED'),
    },
    {
      id: 'request-is-given-up',
      text: `with tcp_synack_retries ${synAckRetries}, the server drops a mini-socket in SYN-RECEIVED without an ACK after (2^(${synAckRetries}+1) - 1) s, ${givesUpMs(synAckRetries) / 1000} s, and sends nothing: the client stays ESTABLISHED, and a RST answers what the client sends later`,
      source: `reqsk_timer_handler() in net/ipv4/inet_connection_sock.c. Tolerance: never early; each of its timers up to ${lateMs} ms late; the request was removed between two looks at /proc/net/tcp`,
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

  guide: [
    {
      about: { 'clients hang in connect': 'look at' },
      claim: 'opens-all-the-same',
      when: ({ opening }) => opening === 'syn-lost-once',
      number: (outcomes) => range(outcomes, ({ facts }) => facts.answeredMs / 1000, { digits: 1, unit: 's' }),
      text: 'If the network loses the first SYN, connect(2) takes {number}.',
    },
  ],

  answer(outcomes) {
    const of = (opening: string) => outcomes.filter(({ cell }) => cell.opening === opening);
    const withAnswer = (chosen: typeof outcomes, answer: string) =>
      chosen.filter(({ facts }) => facts.answer === answer);
    const waited = (chosen: typeof outcomes) =>
      range(chosen, ({ facts }) => facts.answeredMs / 1000, { digits: 1, unit: 's' });
    const [once, thrice, silent, late] = [
      of('syn-lost-once'),
      of('syn-lost-thrice'),
      of('no-answer'),
      of('last-ack-lost'),
    ];
    const [refused, unreachable] = [of('refused'), of('unreachable')];
    const [openedOnce, openedThrice] = [withAnswer(once, 'ok'), withAnswer(thrice, 'ok')];
    const givenUp = withAnswer(silent, 'ETIMEDOUT');
    const kept = () =>
      `${(least(late.map(({ facts }) => facts.requestLeastMs)) / 1000).toFixed(1)}–${(largest(late.map(({ facts }) => facts.requestMostMs)) / 1000).toFixed(1)} s`;
    const isPrompt = ({ facts }: (typeof outcomes)[number]) => facts.answer !== 'ok' && facts.answeredMs < firstMs;
    const says = [
      once.length > 0 &&
        (openedOnce.length > 0
          ? `a lost SYN delays connect(2) by ${waited(openedOnce)}`
          : 'one lost SYN makes connect(2) fail'),
      refused.length > 0 &&
        `at a closed port connect(2) ${refused.every(isPrompt) ? 'fails' : 'does not always fail'} at once`,
    ];
    return {
      headline:
        once.length + refused.length > 0
          ? sentence(...says)
          : silent.length > 0
            ? `Without an answer, connect(2) ${givenUp.length > 0 ? `fails with ETIMEDOUT after ${waited(givenUp)}` : 'does not fail with ETIMEDOUT'}.`
            : late.length > 0
              ? 'A client stays ESTABLISHED after the server has dropped its mini-socket.'
              : thrice.length > 0
                ? `Three lost SYNs delay connect(2) by ${waited(thrice)}.`
                : unreachable.length > 0 &&
                  `An unreachable host makes connect(2) fail${unreachable.every(endedByMessage) ? ' at once' : ', not always at once'}.`,
      findings: [
        openedOnce.length > 0 &&
          finding(
            waited(openedOnce),
            `If the first SYN is lost, connect(2) succeeds after ${waited(openedOnce)}, with the second SYN.`,
          ),
        openedThrice.length > 0 &&
          finding(
            waited(openedThrice),
            `If the first three SYNs are lost, connect(2) succeeds after ${waited(openedThrice)} with tcp_syn_linear_timeouts ${range(openedThrice, ({ facts }) => facts.linear)}. Before Linux 6.5 the waits double: ${waitsMs(3, 0) / 1000} s (not measured).`,
          ),
        givenUp.length > 0 &&
          finding(
            waited(givenUp),
            `If every SYN is lost, connect(2) fails with ETIMEDOUT after ${waited(givenUp)}, with tcp_syn_retries ${synRetries} and tcp_syn_linear_timeouts ${range(givenUp, ({ facts }) => facts.linear)}.`,
          ),
        finding(
          share(withAnswer(refused, 'ECONNREFUSED'), refused),
          'Where no socket listens, a RST answers the SYN, and connect(2) fails with ECONNREFUSED.',
        ),
        finding(
          share(unreachable.filter(endedByMessage), unreachable),
          'An ICMP message "host unreachable" ends connect(2) at once with EHOSTUNREACH.',
        ),
        late.length > 0 &&
          finding(
            kept(),
            `Without an ACK, the server drops its mini-socket in SYN-RECEIVED after ${kept()}, with tcp_synack_retries ${synAckRetries}; the client stays ESTABLISHED.`,
            late,
          ),
      ],
    };
  },
});
