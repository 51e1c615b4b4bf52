import { ack, experiment, fin, finding, is, kind, range, share, syn, tcp } from 'lingerlab';
import { refusedByPaws } from './shared/paws.ts';

/** tcp_syn_retries: where TIME-WAIT answers each SYN with an ACK, the client gives up after about 3 s. */
const retries = 1;
/** How far the timestamp that TIME-WAIT remembers lies ahead of the client's clock, ms: more than a cell lasts. */
const aheadMs = 100_000;
/** TCP_TIMEOUT_MIN is 2 jiffies; the rest is for a busy machine. The usual first retry comes after 1 s. */
const soonMs = 500;

export default experiment({
  id: 'reconnect-at-time-wait',
  question: 'Can a client connect again from the same port while the server keeps TIME-WAIT?',
  tags: ['TIME-WAIT', 'SYN', 'timestamps', 'PAWS', 'tcp_rfc1337', 'same source port', 'challenge ACK', 'ETIMEDOUT'],
  symptoms: [
    'SYN is dropped in TIME_WAIT',
    'reconnect from the same port',
    'connect is slow after close',
    'SYN answered by ACK',
  ],
  factors: {
    stamp: ['newer', 'older', 'none'],
    listener: ['open', 'closed'],
    rfc1337: [0, 1],
  },
  words: {
    stamp: {
      text: 'the timestamp of the new SYN',
      values: {
        newer: 'newer than those of the old connection',
        older: 'older than the last one that TIME-WAIT remembers',
        none: 'none: tcp_timestamps is 0 at both ends',
      },
    },
    listener: { text: "the server's listener", values: { open: 'still listens', closed: 'is closed' } },
    rfc1337: {
      text: 'net.ipv4.tcp_rfc1337',
      values: { 0: '0, the default: a RST at RCV.NXT ends TIME-WAIT', 1: '1: TIME-WAIT ignores every RST' },
    },
  },
  only: ({ stamp, listener, rfc1337 }) =>
    stamp === 'none'
      ? listener === 'open' && rfc1337 === 0
      : stamp === 'newer'
        ? listener === 'open' || rfc1337 === 0
        : listener === 'open',
  network: 'wire',
  connections: ['old', 'new'],
  sysctls: ({ stamp, rfc1337 }) => ({
    'net.ipv4.tcp_rfc1337': rfc1337,
    'net.ipv4.tcp_syn_retries': retries,
    'net.ipv4.tcp_timestamps': stamp === 'none' ? 0 : 1,
    // TIME-WAIT answers each SYN
    'net.ipv4.tcp_invalid_ratelimit': 0,
  }),
  seconds: ({ stamp, rfc1337 }) => (stamp === 'older' && rfc1337 === 1 ? 3.5 : 0.5),
  measures: {
    connected: kind.outcome({ text: 'result of connect(2)' }),
    connectMs: kind.ms({ text: 'how long connect(2) took' }),
    firstAnswer: { ...kind.word('SYN,ACK', 'ACK', 'RST,ACK'), text: "the server's answer to the first SYN" },
    clientSaid: { ...kind.word('ACK', 'RST'), text: "the client's answer to that answer" },
    again: kind.ms({ text: 'time from the first SYN to the second SYN' }),
    stays: kind.boolean({ text: 'ss showed TIME-WAIT after connect(2) had returned' }),
  },
  shows: ['firstAnswer', 'clientSaid', 'again', 'connected', 'connectMs', 'stays'],

  async scenario({ client, server, wire, until, look, note }, { stamp, listener: asked }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener, { as: 'old' });
    if (stamp === 'older') await wire.drop(fin.from('client'));
    await far.close();
    await near.ended();
    await near.close();
    if (stamp === 'older') {
      const real = await wire.seen(fin.from('client').on(near));
      // the FIN of a client whose clock is ahead, such as another machine behind the same address translation
      await wire.inject({
        from: 'client',
        on: near,
        flags: ['FIN', 'ACK'],
        seq: { next: -1 },
        timestamps: { value: aheadMs },
      });
      await wire.seen(ack.from('server').on(near), { after: real });
    }
    await Promise.all([until(near, 'CLOSED'), until(far, 'TIME-WAIT'), near.gone(), far.gone()]);
    if (asked === 'closed') await listener.close();

    const old = await wire.seen(ack.from('server').on(near), { after: await wire.seen(fin.from('client').on(near)) });
    const began = performance.now();
    const answer = await client.connect(listener, { as: 'new', localPort: near.local.port }).answer();
    note('connectMs', performance.now() - began);
    note('connected', answer.outcome);
    const first = await wire.seen(syn, { after: old });
    const said = await wire.seen(tcp.from('server'), { after: first });
    note('firstAnswer', said.segment.flags.join() as 'ACK');
    const reply = await wire.seen(tcp.from('client'), { after: said });
    note('clientSaid', reply.segment.flags.join() as 'ACK');
    if (is(said.segment.flags, 'ACK')) note('again', ((await wire.seen(syn, { after: first })).t - first.t) / 1e6);
    note('stays', (await look(far))?.state === 'TIME-WAIT');
  },

  claims: [
    {
      id: 'reconnects-at-once',
      text: 'after a short connection, the first SYN of the client has a higher sequence number and opens a new connection, with or without timestamps, with tcp_rfc1337 0 or 1',
      source:
        'RFC 9293 §3.6.1 MAY-2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c; initial sequence numbers between the same addresses and ports grow, RFC 6528 §3',
      when: ({ stamp, listener }) => stamp !== 'older' && listener === 'open',
      holds: (facts) =>
        facts.firstAnswer === 'SYN,ACK' && facts.connected === 'ok' && facts['old.timeWait.endedBy'] === 'recycled',
    },
    {
      id: 'client-resets-the-challenge',
      text: 'a client in SYN-SENT whose SYN gets an ACK without SYN answers that ACK with a RST',
      source: 'RFC 9293 §3.10.7.3: in SYN-SENT, an ACK that is not acceptable; RFC 5961 §4.2',
      when: ({ stamp, listener }) => stamp === 'older' || listener === 'closed',
      holds: (facts) => facts.firstAnswer === 'ACK' && facts.clientSaid === 'RST',
    },
    {
      id: 'and-tries-again-soon',
      text: `after that RST, the client sends its SYN again in less than ${soonMs / 1000} s instead of after 1 s`,
      source:
        'tcp_rcv_synsent_state_process() in net/ipv4/tcp_input.c: TCP_TIMEOUT_MIN, since Linux 5.6. Tolerance: a busy machine, half of what it would be',
      when: ({ stamp, listener }) => stamp === 'older' || listener === 'closed',
      holds: (facts) => facts.again < soonMs,
    },
    {
      id: 'the-challenge-lets-it-in',
      text: "with tcp_rfc1337 0, the client's RST ends TIME-WAIT, and its second SYN connects in spite of its older timestamp",
      source: 'RFC 5961 §4.2; RFC 1337; tcp_timewait_state_process(): "This is TIME_WAIT assassination"',
      when: ({ stamp, listener, rfc1337 }) => stamp === 'older' && listener === 'open' && rfc1337 === 0,
      holds: (facts) => facts.connected === 'ok' && facts['counters.client.TcpExt.TCPSynRetrans'] === 1 && !facts.stays,
    },
    {
      id: 'nobody-listens-is-told-late',
      text: 'with tcp_rfc1337 0 and no listener, the first SYN gets an ACK, and connect(2) fails with ECONNREFUSED only when the second SYN is answered',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: TCP_TW_SYN without a listener falls through to the ACK',
      when: ({ listener, rfc1337 }) => listener === 'closed' && rfc1337 === 0,
      holds: (facts) =>
        facts.connected === 'ECONNREFUSED' && facts['counters.client.TcpExt.TCPSynRetrans'] === 1 && !facts.stays,
    },
    {
      id: 'rfc1337-shuts-it-out',
      text: `with tcp_rfc1337 1, TIME-WAIT ignores the RST, and an ACK answers each SYN that has an older timestamp; connect(2) fails with ETIMEDOUT, here with tcp_syn_retries ${retries}`,
      source: 'RFC 1337 §3 (F1); tcp_write_timeout() in net/ipv4/tcp_timer.c for when it gives up',
      when: ({ stamp, rfc1337 }) => stamp === 'older' && rfc1337 === 1,
      holds: (facts) =>
        facts.connected === 'ETIMEDOUT' &&
        facts.stays &&
        // the client sends the second SYN soon; how many follow after their timeouts depends on tcp_syn_linear_timeouts
        (facts['counters.client.TcpExt.TCPSynRetrans'] ?? 0) >= 1 &&
        refusedByPaws(facts) === 1 + (facts['counters.client.TcpExt.TCPSynRetrans'] ?? 0),
    },
  ],

  guide: [
    {
      about: { 'thousands of TIME-WAIT': 'look at' },
      claim: 'reconnects-at-once',
      text: "A listening server's TIME-WAIT accepts a SYN with a higher sequence number from the same port at once, unless its timestamp is older.",
    },
    {
      about: { tcp_rfc1337: 'risks', 'clients hang in connect': 'look at' },
      claim: 'rfc1337-shuts-it-out',
      text: "With tcp_rfc1337 1, the server's TIME-WAIT shuts out a client whose SYN has an older timestamp: connect(2) fails with ETIMEDOUT.",
    },
  ],

  answer(outcomes) {
    const newer = outcomes.filter(({ cell }) => cell.stamp !== 'older' && cell.listener === 'open');
    const admitted = newer.filter(({ facts }) => facts.firstAnswer === 'SYN,ACK' && facts.connected === 'ok');
    const older = (rfc1337: 0 | 1) =>
      outcomes.filter(({ cell }) => cell.stamp === 'older' && cell.listener === 'open' && cell.rfc1337 === rfc1337);
    const second = older(0).filter(({ facts }) => facts.firstAnswer === 'ACK' && facts.connected === 'ok');
    const shutOut = older(1).filter(({ facts }) => facts.connected === 'ETIMEDOUT');
    const challenged = outcomes.filter(({ facts }) => facts.firstAnswer === 'ACK');
    const soon = range(challenged, ({ facts }) => facts.again, { unit: 'ms' });
    const deaf = outcomes.filter(({ cell }) => cell.listener === 'closed' && cell.rfc1337 === 0);
    const refused = deaf.filter(({ facts }) => facts.firstAnswer === 'ACK' && facts.connected === 'ECONNREFUSED');
    const connected = outcomes.filter(({ facts }) => facts.connected === 'ok');
    return {
      headline:
        newer.length > 0 && admitted.length === newer.length
          ? "A listening server's TIME-WAIT accepts a newer SYN from the same port."
          : `A client connected again from the same port in ${share(connected, outcomes)} cases.`,
      findings: [
        finding(
          share(admitted, newer),
          'With a listener, a SYN with a higher sequence number gets a SYN-ACK at once, with or without timestamps, unless its timestamp is older.',
        ),
        finding(
          share(second, older(0)),
          "With tcp_rfc1337 0, a SYN with an older timestamp gets an ACK; the client's RST to that ACK ends TIME-WAIT, and its second SYN connects.",
        ),
        challenged.length > 0 &&
          finding(
            soon,
            'If the answer to its SYN is an ACK without SYN, the client sends the SYN again after this time instead of 1 s.',
          ),
        finding(
          share(shutOut, older(1)),
          `With tcp_rfc1337 1, TIME-WAIT ignores the client's RST: connect(2) with an older timestamp fails with ETIMEDOUT (tcp_syn_retries ${retries}).`,
        ),
        finding(
          share(refused, deaf),
          'With tcp_rfc1337 0 and no listener, the first SYN gets an ACK, and connect(2) fails with ECONNREFUSED only at its second SYN.',
        ),
      ],
    };
  },
});
