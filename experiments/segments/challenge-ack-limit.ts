import { experiment, finding, kind, range, share, tcp } from 'lingerlab';
import { connect, connectTo, written } from './shared/bring.ts';

/** Forged segments of a cell, and within which time they arrive: tcp_invalid_ratelimit is 500 ms by default. */
const segments = 12;
const withinMs = 450;
/** tcp_challenge_ack_limit: the kernel draws the number of each second, from half of it to one and a half of it, less one. */
const limit = 4;
const drawn = { least: limit / 2, most: limit / 2 + limit - 1 } as const;
/** The segments may arrive in two seconds of the kernel's clock. */
const mostAnswers = 2 * drawn.most;

const arrivals = {
  SYN: { flags: ['SYN'], seq: 0 },
  RST: { flags: ['RST'], seq: 100 },
  ACK: { flags: ['ACK'], seq: -100 },
  data: { flags: ['PSH', 'ACK'], seq: -100 },
} as const;
type Arrives = keyof typeof arrivals;
const names = ['SYN', 'RST', 'ACK', 'data'] as const satisfies readonly Arrives[];
const sysctls = {
  interval: 'net.ipv4.tcp_invalid_ratelimit',
  perSecond: 'net.ipv4.tcp_challenge_ack_limit',
} as const;
const skipped = {
  challenge: 'counters.server.TcpExt.TCPACKSkippedChallenge',
  sequence: 'counters.server.TcpExt.TCPACKSkippedSeq',
} as const;
/** The value of tcp_challenge_ack_limit that means none: INT_MAX. */
const none = '2147483647';

export default experiment({
  id: 'challenge-ack-limit',
  question:
    'How many of the segments that ask for an ACK does a connection answer, and how many all connections together?',
  tags: [
    'challenge ACK',
    'tcp_challenge_ack_limit',
    'tcp_invalid_ratelimit',
    'TCPChallengeACK',
    'TCPACKSkippedChallenge',
    'TCPACKSkippedSeq',
    'rate limit',
    'RFC 5961',
    'CVE-2016-5696',
  ],
  symptoms: [
    'challenge ACK is not sent',
    'SYN on an open connection gets no answer',
    'ACK storm',
    'TCPACKSkippedChallenge grows',
    'TCPChallengeACK grows',
  ],
  factors: {
    arrives: names,
    limits: ['default', 'no-interval', 'per-second'],
    at: ['one', 'each'],
  },
  words: {
    arrives: {
      text: `the ${segments} forged segments that arrive together`,
      values: {
        SYN: 'SYNs at RCV.NXT',
        RST: 'RSTs in the window, not at RCV.NXT',
        ACK: 'old ACKs without data',
        data: 'old data',
      },
    },
    limits: {
      text: 'the limits',
      values: {
        default: 'the defaults: tcp_invalid_ratelimit 500 ms',
        'no-interval': 'tcp_invalid_ratelimit 0',
        'per-second': `tcp_invalid_ratelimit 0, tcp_challenge_ack_limit ${limit}`,
      },
    },
    at: {
      text: 'where they arrive',
      values: { one: 'all at one connection', each: 'one at each of as many connections' },
    },
  },
  only({ arrives, limits, at }) {
    if (at === 'each') return arrives === 'SYN' && limits !== 'no-interval';
    if (limits === 'default') return true;
    return limits === 'no-interval' ? arrives === 'SYN' : arrives === 'SYN' || arrives === 'data';
  },
  network: 'wire',
  sysctls: ({ limits }) => ({
    [sysctls.interval]: limits === 'default' ? undefined : 0,
    [sysctls.perSecond]: limits === 'per-second' ? limit : undefined,
  }),
  seconds: ({ at }) => (at === 'each' ? 0.8 : 0.5),
  measures: {
    answers: kind.count({ text: `answers to the ${segments} segments`, compare: 'measurement' }),
    answered: { ...kind.word('one', 'some', 'all', 'none'), text: 'how many that is' },
    // how many there are in a second is drawn by chance
    [skipped.challenge]: kind.count({ text: 'challenge ACKs left out, by interval', compare: 'measurement' }),
    'counters.server.TcpExt.TCPChallengeACK': kind.count({ text: 'challenge ACKs', compare: 'measurement' }),
    'counters.server.Tcp.OutSegs': kind.count({ text: 'segments that were sent', compare: 'measurement' }),
    'counters.client.Tcp.InSegs': kind.count({ text: 'segments that arrived', compare: 'measurement' }),
    ownLimit: kind.outcome({ text: "the kernel's own tcp_challenge_ack_limit" }),
  },
  shows: ['answers', 'counters.server.TcpExt.TCPChallengeACK', skipped.challenge, skipped.sequence, 'ownLimit'],

  async scenario(stage, { arrives, limits, at }) {
    const { wire, sysctl, note, noteUnknown } = stage;
    const { listener, near } = await connect(stage, 4);
    const ends = [near];
    while (at === 'each' && ends.length < segments) ends.push((await connectTo(stage, listener)).near);
    // the client would answer the answers
    await wire.drop(tcp);
    const { flags, seq } = arrivals[arrives];
    const began = performance.now();
    const sent = await Promise.all(
      Array.from({ length: segments }, (_, each) =>
        wire.inject({
          from: 'client',
          on: ends[each % ends.length] ?? near,
          flags,
          seq: written + 1 + seq,
          ...((arrives === 'ACK' || arrives === 'data') && { ack: written + 1 }),
          ...(arrives === 'data' && { payload: 'old' }),
        }),
      ),
    );
    const answers = (await wire.answers(Math.min(...sent))).length;
    if (limits !== 'no-interval' && performance.now() - began > withinMs) {
      const why = 'the segments came so late that a limit let more pass';
      noteUnknown('answers', why);
      noteUnknown('answered', why);
    } else {
      note('answers', answers);
      note('answered', answers === 0 ? 'none' : answers === 1 ? 'one' : answers < segments ? 'some' : 'all');
    }
    if (limits === 'default') note('ownLimit', sysctl(sysctls.perSecond)?.own ?? 'no such sysctl');
  },

  claims: [
    {
      id: 'one-in-half-a-second',
      text: `of ${segments} SYNs, or RSTs in the window, that arrive together at a connection, one gets a challenge ACK; TCPACKSkippedChallenge counts the others`,
      source: 'tcp_invalid_ratelimit in Documentation/networking/ip-sysctl.rst, 500 ms; tcp_send_challenge_ack()',
      when: ({ arrives, limits, at }) =>
        at === 'one' && limits === 'default' && (arrives === 'SYN' || arrives === 'RST'),
      holds: (facts) => facts.answered === 'one' && facts[skipped.challenge] === segments - 1,
    },
    {
      id: 'old-acks-are-limited-alike',
      text: `of ${segments} old ACKs that arrive together one gets an ACK; TCPACKSkippedSeq counts the others`,
      source: 'tcp_oow_rate_limited() in net/ipv4/tcp_input.c',
      when: ({ arrives, limits, at }) => arrives === 'ACK' && limits === 'default' && at === 'one',
      holds: (facts) => facts.answered === 'one' && facts[skipped.sequence] === segments - 1,
    },
    {
      id: 'data-is-not-limited',
      text: 'each segment of old data gets an ACK: neither limit counts old data',
      source: 'tcp_oow_rate_limited(): "Data packets without SYNs are not likely part of an ACK loop"',
      when: ({ arrives }) => arrives === 'data',
      holds: (facts) => facts.answered === 'all',
    },
    {
      id: 'of-a-connection',
      text: `tcp_invalid_ratelimit is a limit of each connection: ${segments} connections answer one SYN each`,
      source: '__tcp_oow_rate_limited() in net/ipv4/tcp_input.c: last_oow_ack_time of the socket',
      when: ({ limits, at }) => limits === 'default' && at === 'each',
      holds: (facts) => facts.answered === 'all' && facts[skipped.challenge] === 0,
    },
    {
      id: 'without-a-limit',
      text: 'with tcp_invalid_ratelimit 0 each SYN gets a challenge ACK',
      source: 'tcp_invalid_ratelimit in Documentation/networking/ip-sysctl.rst: "Using 0 would disable rate-limiting"',
      when: ({ limits }) => limits === 'no-interval',
      holds: (facts) => facts.answered === 'all',
    },
    {
      id: 'of-a-namespace',
      text: `tcp_challenge_ack_limit ${limit} is a limit of a network namespace in a second, for one connection or for many: the kernel chooses a random limit, ${drawn.least} to ${drawn.most}, each second, and answers at most that many SYNs`,
      source:
        'tcp_send_challenge_ack() in net/ipv4/tcp_input.c: half + get_random_u32_below(ack_limit), against CVE-2016-5696',
      when: ({ arrives, limits }) => limits === 'per-second' && arrives === 'SYN',
      holds: (facts) => facts.answers >= drawn.least && facts.answers <= mostAnswers && facts[skipped.challenge] === 0,
    },
    {
      id: 'none-by-default',
      text: 'since Linux 6.0 tcp_challenge_ack_limit is 2147483647 by default: no limit',
      source: 'tcp_challenge_ack_limit in Documentation/networking/ip-sysctl.rst; 79e3602caa6f: before, 1000',
      when: ({ limits }) => limits === 'default',
      holds: (facts) => facts.ownLimit === none,
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const of = (are: (cell: Outcome['cell']) => boolean) => outcomes.filter(({ cell }) => are(cell));
    const isOne = ({ facts }: Outcome) => facts.answered === 'one';
    const isEvery = ({ facts }: Outcome) => facts.answered === 'all';
    const usual = of(
      ({ arrives, limits, at }) => limits === 'default' && at === 'one' && (arrives === 'SYN' || arrives === 'RST'),
    );
    const single = usual.filter(isOne);
    const acks = of(({ arrives, limits, at }) => arrives === 'ACK' && limits === 'default' && at === 'one');
    const data = of(({ arrives }) => arrives === 'data');
    const many = of(({ limits, at }) => limits === 'default' && at === 'each');
    const off = of(({ limits }) => limits === 'no-interval');
    const global = of(({ arrives, limits }) => limits === 'per-second' && arrives === 'SYN');
    const answers = (each: Outcome) => each.facts.answers;
    return {
      headline:
        usual.length > 0
          ? single.length === usual.length
            ? 'By default, a connection answers one of 12 SYNs that arrive together.'
            : `One of ${segments} segments got a challenge ACK in ${share(single, usual)} cases.`
          : acks.length > 0
            ? `One of ${segments} old ACKs was answered in ${share(acks.filter(isOne), acks)} cases.`
            : global.length > 0
              ? `tcp_challenge_ack_limit ${limit}: ${range(global, answers)} of ${segments} SYNs were answered.`
              : data.length > 0
                ? `Each segment of old data was answered in ${share(data.filter(isEvery), data)} cases.`
                : many.length > 0
                  ? `Each connection answered one SYN in ${share(many.filter(isEvery), many)} cases.`
                  : off.length > 0 &&
                    `Without a limit each SYN was answered in ${share(off.filter(isEvery), off)} cases.`,
      findings: [
        finding(
          share(single, usual),
          `Of ${segments} SYNs, or RSTs in the window, that arrive together at one connection, one gets a challenge ACK.`,
        ),
        finding(share(acks.filter(isOne), acks), `Of ${segments} old ACKs without data, one gets an ACK, too.`),
        finding(
          share(data.filter(isEvery), data),
          'Each segment of old data gets an ACK: neither limit applies to old data.',
        ),
        finding(
          share(many.filter(isEvery), many),
          `tcp_invalid_ratelimit counts for each connection: ${segments} connections answer one SYN each.`,
        ),
        finding(share(off.filter(isEvery), off), 'With tcp_invalid_ratelimit 0, each SYN gets a challenge ACK.'),
        global.length > 0 &&
          finding(
            range(global, answers),
            `With tcp_challenge_ack_limit ${limit}, a namespace answers ${range(global, answers)} of ${segments} SYNs (the kernel chooses a random limit, ${drawn.least} to ${drawn.most}, each second); by default there is no limit.`,
          ),
      ],
    };
  },
});
