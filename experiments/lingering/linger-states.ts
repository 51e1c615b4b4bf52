import { experiment, is, kind, sentence, share } from 'lingerlab';

/** More than the receiver's kernel takes without its application: the rest, and the FIN, wait in the sender's. */
const heldBytes = 300_000;
const lingerSeconds = 1;
/** What a slot of the timer wheel, an eighth of the linger at most, and a busy machine may add. */
const lateMs = 1000;

/** Who shuts its direction down, in order; held: the closing end's FIN waits behind data that the other end does not take. */
const ways = {
  ESTABLISHED: { shut: [], held: false },
  'FIN-WAIT-1': { shut: ['closing'], held: true },
  'FIN-WAIT-2': { shut: ['closing'], held: false },
  CLOSING: { shut: ['closing', 'other'], held: true },
  'TIME-WAIT': { shut: ['closing', 'other'], held: false },
  'CLOSE-WAIT': { shut: ['other'], held: false },
  'LAST-ACK': { shut: ['other', 'closing'], held: true },
} as const;

/** The orphan's FIN-WAIT-2 comes to those that close first, before the other end's FIN. */
const closesFirst = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'];

export default experiment({
  id: 'linger-states',
  question: 'In which states does close() honour SO_LINGER, after shutdown() or after the other end closed?',
  tags: [
    'SO_LINGER',
    'TCP_LINGER2',
    'shutdown()',
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'CLOSE-WAIT',
    'LAST-ACK',
    'TCPAbortOnLinger',
    'orphan',
  ],
  symptoms: ['linger after shutdown()', 'avoid FIN_WAIT2', 'linger 0 after the peer closed'],
  factors: {
    state: ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'TIME-WAIT', 'CLOSE-WAIT', 'LAST-ACK'],
    option: ['none', 'linger-0', 'linger-1', 'linger2-minus-1'],
  },
  only: ({ state, option }) => option !== 'linger2-minus-1' || closesFirst.includes(state) || state === 'CLOSE-WAIT',
  seconds: ({ state, option }) => (option === 'linger-1' && ways[state].held ? lingerSeconds + 0.4 : 0.3),
  measures: { waited: kind.boolean({ text: 'whether close() took as long as a linger of 1 s or longer' }) },
  shows: [
    'client.path',
    'client.closedWith',
    'waited',
    'timeWait.holder',
    'server.errors',
    'client.delivered',
    'counters.lab.Tcp.OutRsts',
    'counters.lab.TcpExt.TCPAbortOnData',
    'counters.lab.TcpExt.TCPAbortOnLinger',
  ],

  async scenario({ client, server, until, note }, { state, option }) {
    const { shut, held } = ways[state];
    const [near, far] = await client.connect(await server.listen());
    if (held) await near.fill(far, { bytes: heldBytes });
    for (const end of shut) {
      await (end === 'closing' ? near : far).shutdown('WR');
      // its FIN is acknowledged: whether a RST finds it in FIN-WAIT-1 would be a race
      if (end === 'other') await until(far, 'FIN-WAIT-2', 'CLOSED');
      else if (!held) await until(near, 'FIN-WAIT-2', 'LAST-ACK');
    }
    await until(near, state);

    if (option === 'linger-0') await near.set('SO_LINGER', 0);
    if (option === 'linger-1') await near.set('SO_LINGER', lingerSeconds);
    if (option === 'linger2-minus-1') await near.set('TCP_LINGER2', -1);
    const closed = await near.close('destroy').answer();
    note('waited', closed.ns >= lingerSeconds * 1e9);

    await far.resume();
    // the end of the stream, or that it was reset
    await far.ended().answer();
    // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and what that answers is reset (RFC 1337)
    await until(near, 'FIN-WAIT-2', 'CLOSED', 'LAST-ACK', 'TIME-WAIT');
    await far.close('destroy');
    await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED'), near.gone(), far.gone()]);
  },

  claims: [
    {
      id: 'zero-resets',
      text: 'linger 0 resets from ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT: shutdown() before does not keep close() from it',
      source: 'RFC 9293 §3.10.5, ABORT; tcp_need_reset() in net/ipv4/tcp.c',
      when: ({ state, option }) => option === 'linger-0' && (closesFirst.includes(state) || state === 'CLOSE-WAIT'),
      holds: (facts) => facts['counters.lab.Tcp.OutRsts'] === 1 && facts['timeWait.holder'] === 'none',
    },
    {
      id: 'zero-resets-unsent',
      text: 'in CLOSING and LAST-ACK, from which RFC 9293 resets nothing, linger 0 resets where data is unsent, and that data is lost',
      source: 'tcp_disconnect() in net/ipv4/tcp.c: "discrepancy of Linux wrt. RFC states"; RFC 9293 §3.10.5',
      when: ({ state, option }) => option === 'linger-0' && (state === 'CLOSING' || state === 'LAST-ACK'),
      holds: (facts) => facts['counters.lab.Tcp.OutRsts'] === 1 && facts['client.delivered'] < heldBytes,
    },
    {
      id: 'zero-leaves-time-wait',
      text: 'linger 0 does nothing to a TIME-WAIT that has begun, though the descriptor was still open',
      source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c: the mini-socket has no descriptor; its socket is in CLOSE',
      when: ({ state, option }) => option === 'linger-0' && state === 'TIME-WAIT',
      holds: (facts) => facts['timeWait.holder'] === 'client' && !facts['client.closedWith'].includes('RST'),
    },
    {
      id: 'waits-for-its-own-fin',
      text: 'linger 1 waits its full second where the own FIN is not acknowledged: FIN-WAIT-1, CLOSING, LAST-ACK, also where shutdown() had queued it',
      source: 'sk_stream_closing() in net/core/stream.c. Tolerance: a slot of the timer wheel, and a busy machine',
      when: ({ state, option }) => option === 'linger-1' && ways[state].held,
      holds: (facts) => facts.waited && facts['client.closeMs'] < lingerSeconds * 1000 + lateMs,
    },
    {
      id: 'waits-for-nothing-else',
      text: "where nothing is unsent linger 1 does not wait its second: neither FIN-WAIT-2, which waits for the other end's FIN, nor TIME-WAIT holds close()",
      source: 'sk_stream_closing() in net/core/stream.c; tolerance: half the linger',
      when: ({ state, option }) => option === 'linger-1' && !ways[state].held,
      holds: (facts) => facts['client.closeMs'] < lingerSeconds * 500,
    },
    {
      id: 'linger2-resets-after-the-fin',
      text: 'TCP_LINGER2 -1 resets an orphan as soon as its FIN is acknowledged: all data and the FIN arrive, no FIN-WAIT-2 and no TIME-WAIT is left',
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c: TCPAbortOnData; tcp(7), TCP_LINGER2',
      when: ({ state, option }) => option === 'linger2-minus-1' && (state === 'ESTABLISHED' || state === 'FIN-WAIT-1'),
      holds: (facts, { state }) =>
        is(facts['client.closedWith'], 'FIN', 'RST') &&
        facts['timeWait.holder'] === 'none' &&
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        facts['client.delivered'] === (ways[state].held ? heldBytes : 0),
    },
    {
      id: 'linger2-resets-fin-wait-2',
      text: 'closed in FIN-WAIT-2 with TCP_LINGER2 -1, a socket is reset, and TCPAbortOnLinger counts it',
      source: '__tcp_close() in net/ipv4/tcp.c: TCPAbortOnLinger',
      when: ({ state, option }) => option === 'linger2-minus-1' && state === 'FIN-WAIT-2',
      holds: (facts) =>
        is(facts['client.closedWith'], 'FIN', 'RST') && facts['counters.lab.TcpExt.TCPAbortOnLinger'] === 1,
    },
    {
      id: 'linger2-spares-the-second',
      text: 'TCP_LINGER2 -1 does not reset the end that closes second, in CLOSE-WAIT: it sends a FIN, and the first end keeps TIME-WAIT',
      source: 'RFC 9293 §3.3.2; __tcp_close() in net/ipv4/tcp.c',
      when: ({ state, option }) => option === 'linger2-minus-1' && state === 'CLOSE-WAIT',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['timeWait.holder'] === 'server',
    },
    {
      id: 'none-resets-nothing',
      text: 'without an option close() neither resets nor waits in any of the states',
      source: 'RFC 9293 §3.10.4, CLOSE; __tcp_close() in net/ipv4/tcp.c',
      when: ({ option }) => option === 'none',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['client.closeMs'] < lingerSeconds * 500,
    },
  ],

  answer(outcomes) {
    const statesOf = (chosen: typeof outcomes) => chosen.map(({ cell }) => cell.state).join(', ') || 'none';
    const zero = outcomes.filter(({ cell }) => cell.option === 'linger-0');
    const reset = zero.filter(({ facts }) => (facts['counters.lab.Tcp.OutRsts'] ?? 0) > 0);
    const unsent = reset.filter(({ cell }) => cell.state === 'CLOSING' || cell.state === 'LAST-ACK');
    const spared = zero.filter((one) => !reset.includes(one));
    const one = outcomes.filter(({ cell }) => cell.option === 'linger-1');
    const waited = one.filter(({ facts }) => facts.waited);
    const aborted = outcomes.filter(
      ({ cell, facts }) => cell.option === 'linger2-minus-1' && facts['client.closedWith'].includes('RST'),
    );
    const minus = outcomes.filter(({ cell }) => cell.option === 'linger2-minus-1');
    return sentence(
      zero.length > 0 &&
        `linger 0 reset from ${statesOf(reset.filter((one) => !unsent.includes(one)))}` +
          `${unsent.length > 0 ? `, from ${statesOf(unsent)} with data unsent` : ''}${spared.length > 0 ? `, not from ${statesOf(spared)}` : ''}`,
      one.length > 0 &&
        `linger ${lingerSeconds} held close() in ${share(waited, one)}` +
          `${waited.length > 0 ? `, where the own FIN was unacknowledged (${statesOf(waited)})` : ''}`,
      minus.length > 0 && `TCP_LINGER2 -1 made close() a FIN, then a RST, in ${statesOf(aborted)}`,
    );
  },
});
