import { ack, experiment, fin, finding, kind, range, rst, share } from 'lingerlab';

/** What the client sends before it closes. */
const sentBytes = 300;
/** Equal segments that arrive within a moment. */
const burst = 5;
const flags = { ack: ['ACK'], syn: ['SYN'], data: ['PSH', 'ACK'], fin: ['FIN', 'ACK'] } as const;

export default experiment({
  id: 'time-wait-rate-limit',
  question: 'How many old segments that arrive together does TIME-WAIT answer?',
  tags: ['TIME-WAIT', 'tcp_invalid_ratelimit', 'challenge ACK', 'rate limit', 'TCPACKSkippedTimeWait', 'RFC 5961'],
  symptoms: ['ACK is not sent from TIME_WAIT', 'ACK storm', 'duplicate ACKs are limited'],
  factors: {
    arrives: ['ack', 'syn', 'data', 'fin'],
    limit: [500, 0],
  },
  words: {
    arrives: {
      text: 'the old segments that arrive',
      values: { ack: 'ACKs without data', syn: 'SYNs', data: 'data', fin: 'copies of the FIN' },
    },
    limit: { text: 'net.ipv4.tcp_invalid_ratelimit, ms', values: { 500: '500, the default', 0: '0: no limit' } },
  },
  only: ({ arrives, limit }) => limit === 500 || arrives === 'ack',
  network: 'wire',
  sysctls: ({ limit }) => ({ 'net.ipv4.tcp_invalid_ratelimit': limit }),
  measures: {
    answers: kind.count({ text: `segments that TIME-WAIT answered, of ${burst}` }),
    limit: { ...kind.word('as asked', 'another'), text: 'tcp_invalid_ratelimit, read back' },
    stays: kind.boolean({ text: 'ss showed TIME-WAIT afterwards' }),
  },
  shows: ['answers', 'counters.server.TcpExt.TCPACKSkippedTimeWait', 'stays'],

  async scenario({ client, server, wire, closeInTurn, look, sysctl, note }, { arrives, limit }) {
    const [near, far] = await client.connect(await server.listen());
    await near.write(sentBytes);
    await far.received(sentBytes);
    await closeInTurn(far, near, 'end');
    await wire.seen(ack.from('server').on(far), { after: await wire.seen(fin.from('client').on(far)) });
    // the client's end has no socket any more, and would reset the answers
    await wire.drop(rst.from('client'));
    note('limit', sysctl('net.ipv4.tcp_invalid_ratelimit')?.value === String(limit) ? 'as asked' : 'another');

    const old = () =>
      wire.inject({
        from: 'client',
        on: near,
        flags: flags[arrives],
        seq: { next: arrives === 'fin' ? -1 : -100 },
        ...(arrives === 'data' && { payload: 'old' }),
      });
    const sent = await Promise.all(Array.from({ length: burst }, old));
    note('answers', (await wire.answers(Math.min(...sent))).length);
    note('stays', (await look(far))?.state === 'TIME-WAIT');
  },

  claims: [
    {
      id: 'one-in-half-a-second',
      text: `with tcp_invalid_ratelimit 500, TIME-WAIT answers one of ${burst} old ACKs or old SYNs that arrive together; TCPACKSkippedTimeWait counts the others`,
      source:
        'tcp_oow_rate_limited() in net/ipv4/tcp_input.c; ip-sysctl: tcp_invalid_ratelimit, against loops of acknowledgements',
      when: ({ arrives, limit }) => limit === 500 && (arrives === 'ack' || arrives === 'syn'),
      holds: (facts) =>
        facts.limit === 'as asked' &&
        facts.answers === 1 &&
        facts['counters.server.TcpExt.TCPACKSkippedTimeWait'] === burst - 1,
    },
    {
      id: 'data-is-not-limited',
      text: `TIME-WAIT answers each of ${burst} old data segments, or copies of the FIN, that arrive together`,
      source:
        'tcp_oow_rate_limited(): "Data packets without SYNs are not likely part of an ACK loop"; a FIN takes a number, too',
      when: ({ arrives }) => arrives === 'data' || arrives === 'fin',
      holds: (facts) => facts.answers === burst,
    },
    {
      id: 'without-a-limit',
      text: `with tcp_invalid_ratelimit 0, TIME-WAIT answers each of ${burst} old ACKs`,
      source: 'ip-sysctl: tcp_invalid_ratelimit',
      when: ({ limit }) => limit === 0,
      holds: (facts) => facts.answers === burst,
    },
    {
      id: 'stays',
      text: 'TIME-WAIT stays, whether it answers these segments or not',
      source: 'tcp_timewait_check_oow_rate_limit() in net/ipv4/tcp_minisocks.c',
      holds: (facts) => facts.stays,
    },
  ],

  answer(outcomes) {
    const of = (limit: number, ...segments: readonly string[]) =>
      outcomes.filter(({ cell }) => cell.limit === limit && segments.includes(cell.arrives));
    const [limited, numbered, unlimited] = [of(500, 'ack', 'syn'), of(500, 'data', 'fin'), of(0, 'ack')];
    const answered = (each: typeof outcomes, text: (count: string) => string) => {
      if (each.length === 0) return false;
      const count = `${range(each, ({ facts }) => facts.answers)} of ${burst}`;
      return finding(count, text(count), each);
    };
    const all = (each: typeof outcomes, answers: number) =>
      each.length > 0 && each.every(({ facts }) => facts.answers === answers);
    const stays = outcomes.filter(({ facts }) => facts.stays);
    return {
      headline: !all(limited, 1)
        ? `TIME-WAIT answers ${range(outcomes, ({ facts }) => facts.answers)} of ${burst} old segments that arrive together.`
        : `By default, TIME-WAIT answers one of ${burst} old ACKs or SYNs sent together.`,
      findings: [
        answered(
          limited,
          (count) =>
            `With tcp_invalid_ratelimit 500, the default, TIME-WAIT answers ${count} old ACKs, or old SYNs, that arrive together.`,
        ),
        answered(
          numbered,
          (count) => `The limit does not apply to old data and copies of the FIN: TIME-WAIT answers ${count} of each.`,
        ),
        answered(unlimited, (count) => `With tcp_invalid_ratelimit 0, TIME-WAIT answers ${count} old ACKs.`),
        finding(share(stays, outcomes), 'TIME-WAIT stays, whether it answers these segments or not.'),
      ],
    };
  },
});
