import { experiment, finding, is, kind, share } from 'lingerlab';

/** More than the receiver's kernel takes while its application does not read: the rest, and the FIN, wait in the sender's kernel. */
const heldBytes = 300_000;
const lingerSeconds = 1;
/** What a slot of the timer wheel, an eighth of the linger at most, and a busy machine may add. */
const lateMs = 1000;

/** The ends that call shutdown(2), in order; held: the closing end's FIN waits behind data that the other application does not read. */
const ways = {
  ESTABLISHED: { shut: [], held: false },
  'FIN-WAIT-1': { shut: ['closing'], held: true },
  'FIN-WAIT-2': { shut: ['closing'], held: false },
  CLOSING: { shut: ['closing', 'other'], held: true },
  'TIME-WAIT': { shut: ['closing', 'other'], held: false },
  'CLOSE-WAIT': { shut: ['other'], held: false },
  'LAST-ACK': { shut: ['other', 'closing'], held: true },
} as const;

/** States of an end that closes first: its orphan passes FIN-WAIT-2. */
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
  words: {
    state: {
      text: 'state of the client at its close()',
      values: {
        ESTABLISHED: 'neither end has called shutdown()',
        'FIN-WAIT-1': 'after its shutdown(); its FIN waits behind unsent data',
        'FIN-WAIT-2': 'after its shutdown(); its FIN is acknowledged',
        CLOSING: "after its shutdown() and the server's; its FIN waits behind unsent data",
        'TIME-WAIT': "after its shutdown() and the server's; both FINs are acknowledged",
        'CLOSE-WAIT': "after the server's shutdown()",
        'LAST-ACK': "after the server's shutdown() and its own; its FIN waits behind unsent data",
      },
    },
    option: {
      text: 'what the client sets just before close()',
      values: {
        none: 'nothing',
        'linger-0': 'SO_LINGER on, 0 s',
        'linger-1': `SO_LINGER on, ${lingerSeconds} s`,
        'linger2-minus-1': 'TCP_LINGER2 to −1',
      },
    },
  },
  only: ({ state, option }) => option !== 'linger2-minus-1' || closesFirst.includes(state) || state === 'CLOSE-WAIT',
  seconds: ({ state, option }) => (option === 'linger-1' && ways[state].held ? lingerSeconds + 0.4 : 0.3),
  measures: {
    waited: kind.boolean({
      label: 'waited for linger',
      text: 'whether close() took as long as a linger of 1 s or longer',
    }),
  },
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
      // wait for the acknowledgement of its FIN: whether a RST finds that end in FIN-WAIT-1 would be a race
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
    // reads the end of the stream, or fails with ECONNRESET
    await far.ended().answer();
    // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and a RST would answer its answer (RFC 1337)
    await until(near, 'FIN-WAIT-2', 'CLOSED', 'LAST-ACK', 'TIME-WAIT');
    await far.close('destroy');
    await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'TIME-WAIT', 'CLOSED'), near.gone(), far.gone()]);
  },

  claims: [
    {
      id: 'zero-resets',
      text: 'close() with SO_LINGER 0 sends a RST in ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT, after shutdown(), too',
      source: 'RFC 9293 §3.10.5, ABORT; tcp_need_reset() in net/ipv4/tcp.c',
      when: ({ state, option }) => option === 'linger-0' && (closesFirst.includes(state) || state === 'CLOSE-WAIT'),
      holds: (facts) => facts['counters.lab.Tcp.OutRsts'] === 1 && facts['timeWait.holder'] === 'none',
    },
    {
      id: 'zero-resets-unsent',
      text: 'with unsent data SO_LINGER 0 sends a RST in CLOSING and LAST-ACK, too, where RFC 9293 sends none, and that data is lost',
      source: 'tcp_disconnect() in net/ipv4/tcp.c: "discrepancy of Linux wrt. RFC states"; RFC 9293 §3.10.5',
      when: ({ state, option }) => option === 'linger-0' && (state === 'CLOSING' || state === 'LAST-ACK'),
      holds: (facts) => facts['counters.lab.Tcp.OutRsts'] === 1 && facts['client.delivered'] < heldBytes,
    },
    {
      id: 'zero-leaves-time-wait',
      text: 'SO_LINGER 0 does not end a TIME-WAIT that has begun, though the descriptor was still open',
      source: 'tcp_time_wait() in net/ipv4/tcp_minisocks.c: the mini-socket has no descriptor; its socket is in CLOSE',
      when: ({ state, option }) => option === 'linger-0' && state === 'TIME-WAIT',
      holds: (facts) => facts['timeWait.holder'] === 'client' && !facts['client.closedWith'].includes('RST'),
    },
    {
      id: 'waits-for-its-own-fin',
      text: 'close() with SO_LINGER 1 waits its full second in FIN-WAIT-1, CLOSING and LAST-ACK: the FIN that shutdown() queued is not acknowledged',
      source: 'sk_stream_closing() in net/core/stream.c. Tolerance: a slot of the timer wheel, and a busy machine',
      when: ({ state, option }) => option === 'linger-1' && ways[state].held,
      holds: (facts) => facts.waited && facts['client.closeMs'] < lingerSeconds * 1000 + lateMs,
    },
    {
      id: 'waits-for-nothing-else',
      text: "with nothing unsent close() with SO_LINGER 1 does not wait its second: at most for the ACK of the FIN, not for the other end's FIN in FIN-WAIT-2, nor for TIME-WAIT",
      source: 'sk_stream_closing() in net/core/stream.c; tolerance: half the linger',
      when: ({ state, option }) => option === 'linger-1' && !ways[state].held,
      holds: (facts) => facts['client.closeMs'] < lingerSeconds * 500,
    },
    {
      id: 'linger2-resets-after-the-fin',
      text: 'TCP_LINGER2 −1 resets an orphan as soon as its FIN is acknowledged: all data and the FIN arrive, and no TIME-WAIT is left',
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
      text: 'close() in FIN-WAIT-2 with TCP_LINGER2 −1 resets the connection, and TCPAbortOnLinger counts it',
      source: '__tcp_close() in net/ipv4/tcp.c: TCPAbortOnLinger',
      when: ({ state, option }) => option === 'linger2-minus-1' && state === 'FIN-WAIT-2',
      holds: (facts) =>
        is(facts['client.closedWith'], 'FIN', 'RST') && facts['counters.lab.TcpExt.TCPAbortOnLinger'] === 1,
    },
    {
      id: 'linger2-spares-the-second',
      text: 'with TCP_LINGER2 −1 an end that closes second, in CLOSE-WAIT, sends a FIN and no RST, and the first end keeps TIME-WAIT',
      source: 'RFC 9293 §3.3.2; __tcp_close() in net/ipv4/tcp.c',
      when: ({ state, option }) => option === 'linger2-minus-1' && state === 'CLOSE-WAIT',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['timeWait.holder'] === 'server',
    },
    {
      id: 'none-resets-nothing',
      text: 'without an option close() neither resets nor waits, in each state from ESTABLISHED to LAST-ACK',
      source: 'RFC 9293 §3.10.4, CLOSE; __tcp_close() in net/ipv4/tcp.c',
      when: ({ option }) => option === 'none',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['client.closeMs'] < lingerSeconds * 500,
    },
  ],

  guide: [
    {
      about: { TCP_LINGER2: 'measured' },
      claim: 'linger2-resets-after-the-fin',
      text: 'TCP_LINGER2 −1 resets an orphan as soon as its FIN is acknowledged: all data and the FIN arrive, and no TIME-WAIT is left.',
    },
    {
      about: { TCP_LINGER2: 'measured' },
      claim: 'linger2-spares-the-second',
      text: 'With TCP_LINGER2 −1 an end that closes second sends a FIN and no RST, and the first end keeps TIME-WAIT.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const of = (option: Outcomes[number]['cell']['option']) => outcomes.filter(({ cell }) => cell.option === option);
    const isShut = ({ cell }: Outcomes[number]) =>
      cell.state !== 'TIME-WAIT' && ways[cell.state].shut.some((end) => end === 'closing');
    const [zero, one, minus] = [of('linger-0'), of('linger-1'), of('linger2-minus-1')];
    const reset = (among: Outcomes) => among.filter(({ facts }) => (facts['counters.lab.Tcp.OutRsts'] ?? 0) > 0);
    const statesOf = (chosen: Outcomes) => new Intl.ListFormat('en-GB').format(chosen.map(({ cell }) => cell.state));
    const spared = zero.filter((outcome) => !reset(zero).includes(outcome));
    const unsent = zero.filter(({ cell }) => cell.state === 'CLOSING' || cell.state === 'LAST-ACK');
    const lost = reset(unsent).filter(({ facts }) => facts['client.delivered'] < heldBytes);
    const waited = (among: Outcomes) => among.filter(({ facts }) => facts.waited);
    const held = one.filter(({ cell }) => ways[cell.state].held);
    const sent = one.filter(({ cell }) => !ways[cell.state].held);
    const first = minus.filter(({ cell }) => closesFirst.includes(cell.state));
    const aborted = first.filter(
      ({ facts }) => is(facts['client.closedWith'], 'FIN', 'RST') && facts['timeWait.holder'] === 'none',
    );
    const second = minus.filter(({ cell }) => cell.state === 'CLOSE-WAIT');
    const unchanged = second.filter(
      ({ facts }) => is(facts['client.closedWith'], 'FIN') && facts['timeWait.holder'] === 'server',
    );
    const shutBefore = (of: Outcomes) => of.filter((each) => isShut(each) && ways[each.cell.state].held);
    const [zeroShut, oneShut] = [shutBefore(zero), shutBefore(one)];
    const still = [
      zeroShut.length > 0 && reset(zeroShut).length === zeroShut.length && 'SO_LINGER 0 still resets',
      oneShut.length > 0 &&
        waited(oneShut).length === oneShut.length &&
        `${zeroShut.length > 0 ? '' : 'SO_LINGER '}${lingerSeconds} still waits`,
    ].filter((part) => part !== false);
    return {
      headline:
        zeroShut.length + oneShut.length > 0 &&
        (still.length > 0
          ? `With unsent data after shutdown(), ${still.join(' and ')}.`
          : 'With unsent data after shutdown(), close() does not always honour SO_LINGER.'),
      findings: [
        finding(
          share(reset(zero), zero),
          `SO_LINGER 0 sends a RST${reset(zero).length > 0 ? ` in ${statesOf(reset(zero))}${lost.length > 0 ? ` (${statesOf(lost)}: with unsent data)` : ''}` : ''}${spared.length > 0 ? `, none in ${statesOf(spared)}` : ''}.`,
        ),
        held.length > 0 &&
          finding(
            share(waited(held), held),
            `With unsent data before its FIN, in ${statesOf(held)}, close() with SO_LINGER ${lingerSeconds} waits its full time.`,
          ),
        finding(
          share(sent.length - waited(sent).length, sent),
          "With nothing unsent, SO_LINGER 1 waits at most for the ACK of the FIN: not for the other end's FIN in FIN-WAIT-2, nor for TIME-WAIT.",
        ),
        finding(
          share(lost, unsent),
          'With unsent data, SO_LINGER 0 sends a RST in CLOSING and LAST-ACK, too (OutRsts counts it), where RFC 9293 sends none; the data is lost.',
        ),
        finding(
          share(aborted, first),
          'With TCP_LINGER2 −1, the end that closes first sends a RST once its FIN is acknowledged, and keeps no TIME-WAIT.',
        ),
        finding(
          share(unchanged, second),
          'TCP_LINGER2 −1 changes nothing at the end that closes second: that end sends a FIN.',
        ),
      ],
    };
  },
});
