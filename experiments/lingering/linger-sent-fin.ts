import { errnos, experiment, fin, is, kind, sentence } from 'lingerlab';

export default experiment({
  id: 'linger-sent-fin',
  question: 'What does linger 0 do to a connection whose FIN is on its way?',
  tags: ['SO_LINGER', 'linger 0', 'RST', 'FIN-WAIT-1', 'CLOSING', 'LAST-ACK', 'challenge ACK'],
  symptoms: ['RST after FIN', 'abort a connection that is already closing'],
  factors: { state: ['FIN-WAIT-1', 'CLOSING', 'LAST-ACK'] },
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
    // it is sent and never acknowledged
    await wire.drop(fin.from('client'));
    if (state === 'LAST-ACK') {
      await far.shutdown('WR');
      // else its acknowledgement may come with the FIN, and be lost with it
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
      text: 'linger 0 resets in FIN-WAIT-1; where the FIN was lost the RST lies behind it, the other end sends a challenge ACK, and a second RST, of no socket, ends the connection',
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
      text: 'in CLOSING and LAST-ACK, with nothing unsent, linger 0 removes the socket without a RST, and the other application reads no error; the kernel counts TCPAbortOnData all the same',
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
    const reset = outcomes.filter(({ facts }) => (facts['counters.client.Tcp.OutRsts'] ?? 0) > 0);
    const silent = outcomes.filter((one) => !reset.includes(one));
    const statesOf = (chosen: typeof outcomes) => chosen.map(({ cell }) => cell.state).join(', ');
    return sentence(
      reset.length > 0 &&
        `with its FIN sent and not acknowledged, linger 0 reset the connection from ${statesOf(reset)}`,
      silent.length > 0 &&
        `from ${statesOf(silent)} it ended the socket without a segment, and the other end heard nothing of it`,
    );
  },
});
