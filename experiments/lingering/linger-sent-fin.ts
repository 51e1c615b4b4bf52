import { errnos, experiment, fin, finding, is, kind, share } from 'lingerlab';

const states = ['FIN-WAIT-1', 'CLOSING', 'LAST-ACK'] as const;

export default experiment({
  id: 'linger-sent-fin',
  question: 'What does SO_LINGER 0 do to a connection that has sent its FIN?',
  tags: ['SO_LINGER', 'linger 0', 'RST', 'FIN-WAIT-1', 'CLOSING', 'LAST-ACK', 'challenge ACK'],
  symptoms: ['RST after FIN', 'abort a connection that is already closing'],
  factors: { state: states },
  words: {
    state: {
      text: "state of the client at its close; the path has lost the client's FIN",
      values: {
        'FIN-WAIT-1': 'the client has sent its FIN, the server has not',
        CLOSING: 'both ends have sent their FIN, the client first',
        'LAST-ACK': 'both ends have sent their FIN, the server first',
      },
    },
  },
  network: 'wire',
  seconds: 0.5,
  measures: { waited: kind.ms({ text: 'how long close() took' }) },
  shows: [
    'client.path',
    'client.closedWith',
    'counters.client.Tcp.OutRsts',
    'counters.client.TcpExt.TCPAbortOnData',
    'server.errors',
  ],

  async scenario({ client, server, wire, until, note }, { state }) {
    const [near, far] = await client.connect(await server.listen());
    // the client sends its FIN, and no acknowledgement comes
    await wire.drop(fin.from('client'));
    if (state === 'LAST-ACK') {
      await far.shutdown('WR');
      // the acknowledgement of the server's FIN must not share a segment with the client's FIN, which is lost
      await Promise.all([until(near, 'CLOSE-WAIT'), until(far, 'FIN-WAIT-2')]);
    }
    await near.shutdown('WR');
    if (state === 'CLOSING') await far.shutdown('WR');
    await until(near, state);
    if (state === 'CLOSING') await until(far, 'FIN-WAIT-2');
    await near.set('SO_LINGER', 0);
    const closed = await near.close('destroy').answer();
    note('waited', closed.ns / 1e6);
    await Promise.all([until(near, 'CLOSED'), near.gone()]);
    if (state === 'FIN-WAIT-1') await Promise.all([until(far, 'CLOSED'), far.gone()]);
  },

  claims: [
    {
      id: 'reset-in-fin-wait-1',
      text: 'SO_LINGER 0 resets from FIN-WAIT-1; the number of the RST is beyond the lost FIN, so that the server sends a challenge ACK, and a second RST, which belongs to no socket, ends the connection',
      source: 'RFC 9293 §3.10.5, ABORT; tcp_need_reset() in net/ipv4/tcp.c; RFC 5961 §3.2, challenge ACK',
      when: ({ state }) => state === 'FIN-WAIT-1',
      holds: (facts) =>
        facts['counters.client.Tcp.OutRsts'] === 2 &&
        facts['counters.server.TcpExt.TCPChallengeACK'] === 1 &&
        facts['client.closedWith'].includes('RST') &&
        errnos(facts['server.errors']).includes('ECONNRESET'),
    },
    {
      id: 'vanishes',
      text: 'from CLOSING and LAST-ACK, with nothing unsent, SO_LINGER 0 removes the socket without a RST, and the other application gets no error; the kernel counts TCPAbortOnData all the same',
      source: 'tcp_disconnect() in net/ipv4/tcp.c: tcp_need_reset() is false, and nothing is unsent; RFC 9293 §3.10.5',
      when: ({ state }) => state !== 'FIN-WAIT-1',
      holds: (facts) =>
        facts['counters.client.Tcp.OutRsts'] === 0 &&
        is(facts['client.closedWith'], 'FIN') &&
        facts['counters.client.TcpExt.TCPAbortOnData'] === 1 &&
        facts['server.errors'].length === 0,
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const rsts = ({ facts }: Outcomes[number]) => facts['counters.client.Tcp.OutRsts'] ?? 0;
    const reset = outcomes.filter((outcome) => rsts(outcome) > 0);
    const silent = outcomes.filter((outcome) => rsts(outcome) === 0);
    const statesOf = (chosen: Outcomes) =>
      new Intl.ListFormat('en-GB').format(states.filter((state) => chosen.some(({ cell }) => cell.state === state)));
    const first = outcomes.filter(({ cell }) => cell.state === 'FIN-WAIT-1');
    const twice = first.filter(
      (outcome) => rsts(outcome) === 2 && outcome.facts['counters.server.TcpExt.TCPChallengeACK'] === 1,
    );
    const later = outcomes.filter(({ cell }) => cell.state !== 'FIN-WAIT-1');
    const unheard = later.filter((outcome) => silent.includes(outcome) && outcome.facts['server.errors'].length === 0);
    const counted = later.filter(
      (outcome) => silent.includes(outcome) && outcome.facts['counters.client.TcpExt.TCPAbortOnData'] === 1,
    );
    return {
      headline:
        outcomes.length > 0 &&
        (silent.length === 0
          ? `With nothing unsent, SO_LINGER 0 still sends a RST in ${statesOf(reset)}.`
          : `With nothing unsent, SO_LINGER 0 sends no RST${reset.length > 0 ? ` in ${statesOf(silent)}` : ' after the FIN'}.`),
      findings: [
        finding(
          share(unheard, later),
          'In CLOSING and LAST-ACK, with nothing unsent, the kernel removes the socket without a segment; the other application gets no error.',
        ),
        finding(
          share(twice, first),
          'In FIN-WAIT-1 a RST is sent; the server, which has not received the FIN, sends a challenge ACK, and a second RST ends the connection.',
        ),
        finding(
          share(counted, later),
          'In CLOSING and LAST-ACK, with nothing unsent, the kernel counts TCPAbortOnData, although it sends no RST.',
        ),
      ],
    };
  },
});
