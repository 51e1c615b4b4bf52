import { ack, experiment, fin, is, kind, sentence, share, syn, tcp } from 'lingerlab';

/** tcp_syn_retries: where TIME-WAIT lets nothing through, the client gives up after some 3 s. */
const retries = 1;
/** How far TIME-WAIT's idea of the client's clock is put ahead; ms. More than a cell lasts. */
const aheadMs = 100_000;
/** TCP_TIMEOUT_MIN, 2 jiffies, with a tick at HZ=100 and a busy machine; without it the first retry comes after 1 s. */
const soonMs = 500;

export default experiment({
  id: 'reconnect-at-time-wait',
  question: 'What becomes of a client that connects again to a server in TIME-WAIT, from the same port?',
  tags: ['TIME-WAIT', 'SYN', 'timestamps', 'PAWS', 'tcp_rfc1337', 'same source port', 'challenge ACK', 'ETIMEDOUT'],
  symptoms: [
    'SYN is dropped in TIME_WAIT',
    'reconnect from the same port',
    'connect is slow after close',
    'SYN answered by ACK',
  ],
  factors: {
    // its timestamp: newer than the old incarnation's, as any is; older than what TIME-WAIT remembers; none on either end
    stamp: ['newer', 'older', 'none'],
    listener: ['open', 'closed'],
    rfc1337: [0, 1],
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
    'net.ipv4.tcp_timestamps': stamp === 'none' ? 0 : undefined,
    // each SYN is answered
    'net.ipv4.tcp_invalid_ratelimit': 0,
  }),
  seconds: ({ stamp, rfc1337 }) => (stamp === 'older' && rfc1337 === 1 ? 3.5 : 0.5),
  measures: {
    connected: kind.outcome({ text: 'what connect(2) answered' }),
    connectMs: kind.ms({ text: 'after how long' }),
    firstAnswer: { ...kind.word('SYN,ACK', 'ACK', 'RST,ACK'), text: 'what the first one was answered with' },
    clientSaid: { ...kind.word('ACK', 'RST'), text: 'what the client said to that' },
    again: kind.ms({ text: 'from the first SYN to the second' }),
    stays: kind.boolean({ text: 'ss showed TIME-WAIT afterwards' }),
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
      // the FIN as a client sends it whose clock was ahead: a machine behind the same address translation, say
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
      text: 'a client whose old connection was short is let in with its first SYN, which is newer by its sequence number, with timestamps or without, with tcp_rfc1337 0 or 1',
      source:
        'RFC 9293 §3.6.1 MAY-2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c; initial sequence numbers of the same four numbers grow, RFC 6528 §3',
      when: ({ stamp, listener }) => stamp !== 'older' && listener === 'open',
      holds: (facts) =>
        facts.firstAnswer === 'SYN,ACK' && facts.connected === 'ok' && facts['old.timeWait.endedBy'] === 'recycled',
    },
    {
      id: 'client-resets-the-challenge',
      text: 'a client that is opening answers the ACK of TIME-WAIT by a RST',
      source: 'RFC 9293 §3.10.7.3: in SYN-SENT, an ACK that is not acceptable; RFC 5961 §4.2',
      when: ({ stamp, listener }) => stamp === 'older' || listener === 'closed',
      holds: (facts) => facts.firstAnswer === 'ACK' && facts.clientSaid === 'RST',
    },
    {
      id: 'and-tries-again-soon',
      text: 'a client that answered the ACK of TIME-WAIT by a RST sends its SYN again in less than half a second instead of after a second',
      source:
        'tcp_rcv_synsent_state_process() in net/ipv4/tcp_input.c: TCP_TIMEOUT_MIN, since Linux 5.6. Tolerance: a busy machine, half of what it would be',
      when: ({ stamp, listener }) => stamp === 'older' || listener === 'closed',
      holds: (facts) => facts.again < soonMs,
    },
    {
      id: 'the-challenge-lets-it-in',
      text: 'with tcp_rfc1337 0 that RST ends TIME-WAIT, and the second SYN is let in, though its timestamp is older than what TIME-WAIT remembered',
      source: 'RFC 5961 §4.2; RFC 1337; tcp_timewait_state_process(): "This is TIME_WAIT assassination"',
      when: ({ stamp, listener, rfc1337 }) => stamp === 'older' && listener === 'open' && rfc1337 === 0,
      holds: (facts) => facts.connected === 'ok' && facts['counters.client.TcpExt.TCPSynRetrans'] === 1 && !facts.stays,
    },
    {
      id: 'nobody-listens-is-told-late',
      text: 'with tcp_rfc1337 0, where nobody listens any more, the client is refused by the answer to its second SYN: the first was answered by an ACK',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: TCP_TW_SYN without a listener falls through to the ACK',
      when: ({ listener, rfc1337 }) => listener === 'closed' && rfc1337 === 0,
      holds: (facts) =>
        facts.connected === 'ECONNREFUSED' && facts['counters.client.TcpExt.TCPSynRetrans'] === 1 && !facts.stays,
    },
    {
      id: 'rfc1337-shuts-it-out',
      text: 'with tcp_rfc1337 = 1 the RST is ignored, each SYN is challenged again, and the client, with tcp_syn_retries 1, gives up with ETIMEDOUT',
      source: 'RFC 1337 §3 (F1); tcp_write_timeout() in net/ipv4/tcp_timer.c for when it gives up',
      when: ({ stamp, rfc1337 }) => stamp === 'older' && rfc1337 === 1,
      holds: (facts) =>
        facts.connected === 'ETIMEDOUT' &&
        facts.stays &&
        // the second comes soon, the others in their time
        (facts['counters.client.TcpExt.TCPSynRetrans'] ?? 0) >= 2 &&
        (facts['counters.server.TcpExt.PAWSTimewait'] ?? 0) + (facts['counters.server.TcpExt.PAWSEstab'] ?? 0) ===
          1 + (facts['counters.client.TcpExt.TCPSynRetrans'] ?? 0),
    },
  ],

  answer(outcomes) {
    const told = (chosen: typeof outcomes) =>
      chosen.map(({ facts }) => `${facts.connected} after ${Math.round(facts.connectMs)} ms`).join(', ');
    const newer = outcomes.filter(({ cell }) => cell.stamp !== 'older' && cell.listener === 'open');
    const admitted = newer.filter(({ facts }) => facts.firstAnswer === 'SYN,ACK');
    const older = ([0, 1] as const).flatMap((value) => {
      const chosen = outcomes.filter(({ cell }) => cell.stamp === 'older' && cell.rfc1337 === value);
      return chosen.length > 0 ? `${told(chosen)} with tcp_rfc1337 ${value}` : [];
    });
    const deaf = outcomes.filter(({ cell }) => cell.listener === 'closed');
    return sentence(
      newer.length > 0 &&
        `a client that connected again from its old port was let in by TIME-WAIT's SYN-ACK in ${share(admitted, newer)}`,
      older.length > 0 &&
        `where its timestamp was old it got an ACK, answered by RST, and connect() said ${older.join(', ')}`,
      deaf.length > 0 && `where nobody listened any more connect() said ${told(deaf)}`,
    );
  },
});
