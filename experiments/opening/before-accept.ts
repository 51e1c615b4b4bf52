import { type Answer, ack, experiment, finding, is, kind, type RawSocket, type Stage, share } from 'lingerlab';

/** Bytes that the client writes. */
const sentBytes = 5;
/** A SYN-ACK is sent again after so long: TCP_TIMEOUT_INIT in include/net/tcp.h. */
const againMs = 1000;

const asked = {
  factors: {
    comes: ['RST', 'FIN', 'deferred', 'close', 'shutdown-RD', 'shutdown-WR'],
    sent: [0, sentBytes],
    family: [4, 6],
  },
  measures: {
    early: kind.outcome({ label: 'accept(2) at first', text: 'result of accept(2) before the client wrote' }),
    accepted: kind.outcome({ label: 'accept(2)', text: 'result of accept(2)' }),
    acceptedMs: kind.ms({ label: 'accepted after', text: 'time from connect(2) until accept(2) returned' }),
    peer: kind.outcome({ label: 'getpeername(2)', text: 'result of getpeername(2) on the accepted socket' }),
    reads: {
      ...kind.words('data', 'end', 'ECONNRESET', 'EAGAIN'),
      label: 'read(2)',
      text: 'results of read(2), one after the other',
    },
    got: kind.outcome({
      label: 'client reads',
      text: "what the client's application read: the end of the stream (ok), or an error",
    }),
    later: kind.outcome({ label: 'later connect(2)', text: 'result of connect(2) of a later client' }),
  },
  connections: ['waiting'],
} as const;
type Played = Stage<typeof asked.connections, typeof asked.measures>;

const called = (answer: Answer<unknown>) => answer.outcome;

/** Accepts, and notes what the accepted socket gives. */
async function accept({ note }: Played, listener: RawSocket, reads: number): Promise<void> {
  const answer = await listener.accept().answer();
  note('accepted', called(answer));
  if (!answer.ok) return;
  const far = answer.value;
  note('peer', called(await far.getpeername().answer()));
  const read: ('data' | 'end' | 'ECONNRESET' | 'EAGAIN')[] = [];
  for (let each = 0; each < reads; each++) {
    const one = await far.read(100, { wait: false }).answer();
    read.push(one.ok ? (one.value === '' ? 'end' : 'data') : (one.errno as 'ECONNRESET'));
  }
  note('reads', read);
  await far.close();
}

export default experiment({
  ...asked,
  id: 'before-accept',
  question: 'What can happen to a connection before the application accepts it, and what does accept() return then?',
  tags: ['accept', 'listen', 'TCP_DEFER_ACCEPT', 'getpeername', 'ENOTCONN', 'ECONNRESET', 'shutdown', 'EINVAL'],
  symptoms: [
    'getpeername ENOTCONN after accept',
    'connection reset before accept',
    'accept returns a dead connection',
    'shutdown of a listening socket',
    'clients reset when the listener closes',
  ],
  words: {
    comes: {
      text: 'what happens while the connection waits to be accepted',
      values: {
        RST: 'the client resets it',
        FIN: 'the client closes it',
        deferred: 'the listener has TCP_DEFER_ACCEPT 1 s',
        close: 'the listener closes',
        'shutdown-RD': 'shutdown(2) of the listener with SHUT_RD',
        'shutdown-WR': 'shutdown(2) of the listener with SHUT_WR',
      },
    },
    sent: { text: 'bytes that the client wrote', values: { 0: 'none', [sentBytes]: String(sentBytes) } },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only: ({ comes, sent, family }) =>
    family === 4 ? sent === 0 || !comes.startsWith('shutdown') : sent === 0 && !comes.startsWith('shutdown'),
  network: 'wire',
  seconds: ({ comes, sent }) => (comes === 'deferred' && sent === 0 ? 2 : 1),
  shows: [
    'accepted',
    'peer',
    'reads',
    'got',
    'waiting.client.path',
    'waiting.server.path',
    'early',
    'acceptedMs',
    'later',
  ],

  async scenario(stage, { comes, sent, family }) {
    const { client, server, until, wire, note, noteUnknown } = stage;
    const listener = await server.socket({ family });
    await listener.bind();
    if (comes === 'deferred') await listener.set('TCP_DEFER_ACCEPT', 1);
    await listener.listen();

    const began = performance.now();
    const near = await client.open(listener, { as: 'waiting' });
    if (comes === 'deferred') {
      await near.connected();
      note('early', called(await listener.accept({ wait: false }).answer()));
      if (sent > 0) await near.write(sent);
      const isLate = performance.now() - began > againMs;
      await accept(stage, listener, 1);
      if (isLate)
        for (const name of ['early', 'reads'] as const) noteUnknown(name, 'the SYN-ACK was sent again before');
      note('acceptedMs', performance.now() - began);
      return;
    }

    await until(near.other, 'ESTABLISHED');
    if (sent > 0) await near.write(sent);
    if (comes === 'RST' || comes === 'FIN') {
      if (comes === 'RST') await near.set('SO_LINGER', 0);
      await near.close('destroy');
      await until(near.other, comes === 'RST' ? 'CLOSED' : 'CLOSE-WAIT');
      return accept(stage, listener, 3);
    }
    // after what the client wrote
    if (sent > 0)
      await wire.seen(
        ack
          .from('server')
          .withAck(sent + 1)
          .on(near),
      );
    if (comes === 'close') await listener.close();
    else await listener.shutdown(comes === 'shutdown-RD' ? 'RD' : 'WR');
    if (comes !== 'shutdown-WR') note('got', called(await near.ended().answer()));
    if (comes === 'close') return;
    note('later', called(await (await client.socket({ family })).connect(listener).answer()));
    await accept(stage, listener, 1);
    // the application has accepted and closed it
    if (comes === 'shutdown-WR') note('got', called(await near.ended().answer()));
  },

  claims: [
    {
      id: 'accepts-what-was-reset',
      text: 'accept(2) of a connection that was reset while it waited succeeds; getpeername(2) fails with ENOTCONN, read(2) returns what had arrived, then ECONNRESET once, then the end of the stream',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c, inet_csk_accept() in net/ipv4/inet_connection_sock.c; accept(2) of other systems: ECONNABORTED',
      when: ({ comes }) => comes === 'RST',
      holds: (facts, { sent }) =>
        facts.accepted === 'ok' &&
        facts.peer === 'ENOTCONN' &&
        (sent === 0 ? is(facts.reads, 'ECONNRESET', 'end', 'end') : is(facts.reads, 'data', 'ECONNRESET', 'end')),
    },
    {
      id: 'accepts-what-was-closed',
      text: 'a connection whose client has closed is accepted like any other: getpeername(2) succeeds, read(2) returns what was written and the end of the stream',
      source: 'RFC 9293 §3.10.7.4: CLOSE-WAIT; inet_csk_accept() in net/ipv4/inet_connection_sock.c',
      when: ({ comes }) => comes === 'FIN',
      holds: (facts, { sent }) =>
        facts.accepted === 'ok' &&
        facts.peer === 'ok' &&
        (sent === 0 ? is(facts.reads, 'end', 'end', 'end') : is(facts.reads, 'data', 'end', 'end')),
    },
    {
      id: 'deferred-until-data',
      text: 'with TCP_DEFER_ACCEPT 1 a client that writes within 1 s is not accepted before it writes',
      source: 'tcp(7); tcp_check_req() in net/ipv4/tcp_minisocks.c: rskq_defer_accept',
      when: ({ comes, sent }) => comes === 'deferred' && sent > 0,
      holds: (facts) =>
        facts.early === 'EAGAIN' && is(facts.reads, 'data') && facts['counters.server.TcpExt.TCPDeferAcceptDrop'] === 1,
    },
    {
      id: 'deferred-not-for-ever',
      text: 'with TCP_DEFER_ACCEPT 1 a client that writes nothing is accepted after 1 s, when it acknowledges the SYN-ACK that is sent again',
      source: `tcp_check_req() in net/ipv4/tcp_minisocks.c, syn_ack_recalc() in net/ipv4/inet_connection_sock.c. Never before ${againMs} ms`,
      when: ({ comes, sent }) => comes === 'deferred' && sent === 0,
      holds: (facts) => facts.early === 'EAGAIN' && facts.acceptedMs >= againMs && is(facts.reads, 'EAGAIN'),
    },
    {
      id: 'closed-listener-resets',
      text: 'close(2) of a listener, or shutdown(2) with SHUT_RD, resets the connections that wait, with or without data',
      source: 'inet_csk_listen_stop() in net/ipv4/inet_connection_sock.c',
      when: ({ comes }) => comes === 'close' || comes === 'shutdown-RD',
      holds: (facts) => facts.got === 'ECONNRESET' && is(facts['waiting.server.closedWith'], 'RST'),
    },
    {
      id: 'shut-down-listener-refuses',
      text: 'after SHUT_RD accept(2) fails with EINVAL and a client with ECONNREFUSED; SHUT_WR does nothing to a listener',
      source: 'inet_shutdown() in net/ipv4/af_inet.c: TCP_LISTEN',
      when: ({ comes }) => comes.startsWith('shutdown'),
      holds: (facts, { comes }) =>
        comes === 'shutdown-RD'
          ? facts.accepted === 'EINVAL' && facts.later === 'ECONNREFUSED'
          : facts.accepted === 'ok' && facts.later === 'ok',
    },
  ],

  guide: [
    {
      about: { backlog: 'risks' },
      claim: 'accepts-what-was-reset',
      text: 'A connection that was reset in the accept queue is accepted all the same: read(2) returns its data, then ECONNRESET.',
    },
    {
      about: { backlog: 'risks' },
      claim: 'closed-listener-resets',
      when: ({ comes }) => comes === 'close',
      text: 'close(2) of a listener resets the connections that wait in its queue.',
    },
  ],

  answer(outcomes) {
    const of = (...comes: readonly string[]) => outcomes.filter(({ cell }) => comes.includes(cell.comes));
    const [wasReset, closed, deferred, stopped] = [of('RST'), of('FIN'), of('deferred'), of('close', 'shutdown-RD')];
    const hasRead = ({ cell, facts }: (typeof outcomes)[number]) => cell.sent === 0 || facts.reads[0] === 'data';
    const dead = wasReset.filter(
      (each) =>
        each.facts.accepted === 'ok' &&
        each.facts.peer === 'ENOTCONN' &&
        each.facts.reads.includes('ECONNRESET') &&
        hasRead(each),
    );
    const whole = closed.filter((each) => each.facts.accepted === 'ok' && each.facts.peer === 'ok' && hasRead(each));
    const held = deferred.filter(({ facts }) => facts.early === 'EAGAIN');
    const mute = deferred.filter(({ cell }) => cell.sent === 0);
    const late = mute.filter(({ facts }) => facts.acceptedMs >= againMs);
    const lost = stopped.filter(({ facts }) => facts.got === 'ECONNRESET');
    const spared = of('shutdown-WR');
    const unchanged = spared.filter(({ facts }) => facts.accepted === 'ok' && facts.later === 'ok');
    return {
      headline:
        wasReset.length > 0
          ? dead.length === wasReset.length
            ? 'accept(2) succeeds on a connection that was reset; only later calls fail.'
            : `accept(2) gave connections that were reset in ${share(dead, wasReset)} cases.`
          : stopped.length > 0
            ? `A listener that stops reset the waiting connections in ${share(lost, stopped)} cases.`
            : deferred.length > 0
              ? `TCP_DEFER_ACCEPT held ${share(held, deferred)} connected clients back.`
              : closed.length > 0
                ? `accept(2) gave ${share(whole, closed)} connections that were closed.`
                : spared.length > 0 && `SHUT_WR left ${share(unchanged, spared)} listeners as they were.`,
      findings: [
        finding(
          share(dead, wasReset),
          'A connection that was reset is accepted: getpeername(2) fails with ENOTCONN; read(2) returns what had arrived, then ECONNRESET.',
        ),
        finding(
          share(lost, stopped),
          'close(2) or shutdown(2) with SHUT_RD of a listener resets the connections that wait to be accepted.',
        ),
        finding(
          share(whole, closed),
          'A connection that its client has closed is accepted like any other; what was written can be read.',
        ),
        finding(
          share(held, deferred),
          'With TCP_DEFER_ACCEPT, a non-blocking accept(2) fails with EAGAIN at first, while a connected client has not written.',
        ),
        finding(share(late, mute), 'With TCP_DEFER_ACCEPT 1 a client that writes nothing is accepted after 1 s.'),
        finding(share(unchanged, spared), 'shutdown(2) of a listener with SHUT_WR does nothing.'),
      ],
    };
  },
});
