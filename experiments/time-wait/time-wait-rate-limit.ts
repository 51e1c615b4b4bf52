import { ack, experiment, fin, kind, rst, sentence } from 'lingerlab';

/** What the client sends before it closes. */
const sentBytes = 300;
/** Segments alike that come within a moment; one more would tell nothing more. */
const burst = 5;
const flags = { ack: ['ACK'], syn: ['SYN'], data: ['PSH', 'ACK'], fin: ['FIN', 'ACK'] } as const;

export default experiment({
  id: 'time-wait-rate-limit',
  question: 'How many of the segments that come to TIME-WAIT at once does it answer?',
  tags: ['TIME-WAIT', 'tcp_invalid_ratelimit', 'challenge ACK', 'rate limit', 'TCPACKSkippedTimeWait', 'RFC 5961'],
  symptoms: ['ACK is not sent from TIME_WAIT', 'ACK storm', 'duplicate ACKs are limited'],
  factors: {
    arrives: ['ack', 'syn', 'data', 'fin'],
    // tcp_invalid_ratelimit, ms; 500 is the default
    limit: [500, 0],
  },
  only: ({ arrives, limit }) => limit === 500 || arrives === 'ack',
  network: 'wire',
  sysctls: ({ limit }) => ({ 'net.ipv4.tcp_invalid_ratelimit': limit }),
  measures: {
    answers: kind.count({ text: `of ${burst} segments, how many were answered at once` }),
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
    // nobody is left at the client's end who could take the answers
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
      text: `of ${burst} old acknowledgements, or old SYNs, at once TIME-WAIT answers one, with tcp_invalid_ratelimit 500 ms; the others are counted as TCPACKSkippedTimeWait`,
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
      text: `of ${burst} segments with old data, or copies of the FIN, at once TIME-WAIT answers each`,
      source:
        'tcp_oow_rate_limited(): "Data packets without SYNs are not likely part of an ACK loop"; a FIN takes a number, too',
      when: ({ arrives }) => arrives === 'data' || arrives === 'fin',
      holds: (facts) => facts.answers === burst,
    },
    {
      id: 'without-a-limit',
      text: `with tcp_invalid_ratelimit 0 TIME-WAIT answers each of ${burst} old acknowledgements`,
      source: 'ip-sysctl: tcp_invalid_ratelimit',
      when: ({ limit }) => limit === 0,
      holds: (facts) => facts.answers === burst,
    },
    {
      id: 'stays',
      text: 'TIME-WAIT outlasts such segments, answered or not',
      source: 'tcp_timewait_check_oow_rate_limit() in net/ipv4/tcp_minisocks.c',
      holds: (facts) => facts.stays,
    },
  ],

  answer(outcomes) {
    const of = (limited: boolean) =>
      outcomes
        .filter(({ cell }) => (cell.limit === 500) === limited)
        .map(({ cell, facts }) => `${facts.answers} (${cell.arrives})`)
        .join(', ');
    return sentence(
      of(true) !== '' && `of ${burst} old segments at once TIME-WAIT answered ${of(true)}`,
      of(false) !== '' && `of ${burst} with tcp_invalid_ratelimit 0 TIME-WAIT answered ${of(false)}`,
    );
  },
});
