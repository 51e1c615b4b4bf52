import { type CloseBy, experiment, finding, is, largest, range, sentence, share } from 'lingerlab';

const ways: Record<'end' | 'destroy' | 'raw-close', CloseBy> = {
  end: 'end',
  destroy: 'destroy',
  'raw-close': 'close(2)',
};
/** A receiver's kernel whose application does not read takes 128 KB of it; the rest waits in the sender's kernel. */
const heldBytes = 300_000;
/** Fits into Node's buffer: libuv moves up to 64 KiB there from the kernel before the application reads. */
const belowBytes = 1000;
/** More than net's buffer and the closing end's kernel take: the other end's kernel always keeps a part. */
const beyondBytes = 1_000_000;
const lingerMs = 2000;
/** A peer looks at its event loop every 5 ms: a stall can be measured 5 ms too short at each end. */
const stallResolutionMs = 10;
/** destroy() or close(2) while unsent data waits for an application that does not read, and no unread data calls for a reset. */
const isHeld = ({ by, sending, unread }: { readonly [K in 'by' | 'sending' | 'unread']: string }) =>
  by !== 'end' && sending === 'held' && unread !== 'beyond';
const otherOf = { client: 'server', server: 'client' } as const;

export default experiment({
  id: 'linger',
  question: 'What does SO_LINGER change when a socket is closed?',
  tags: [
    'SO_LINGER',
    'linger 0',
    'RST',
    'abortive close',
    'ECONNRESET',
    'unread data',
    'TCPAbortOnData',
    'TCPAbortOnClose',
    'destroy()',
  ],
  symptoms: [
    'avoid TIME_WAIT with linger 0',
    'close() blocks',
    'connection reset by peer on close',
    'close sends RST instead of FIN',
  ],
  factors: {
    linger: ['off', 0, 2],
    by: ['end', 'destroy', 'raw-close'],
    sending: ['empty', 'held'],
    unread: ['empty', 'below', 'beyond'],
    closer: ['client', 'server'],
  },
  words: {
    linger: { text: 'SO_LINGER of the closing end', values: { off: 'off, the default', 0: 'on, 0 s', 2: 'on, 2 s' } },
    by: {
      text: 'the call that closes',
      values: { end: "net's end()", destroy: "net's destroy()", 'raw-close': 'close(2)' },
    },
    sending: {
      text: 'what the closing end has written',
      values: { empty: 'nothing', held: '300,000 bytes, which the other application does not read before the close' },
    },
    unread: {
      text: 'what the closing end has received and not read',
      values: {
        empty: 'nothing',
        below: "1000 bytes, all of them in Node's buffer",
        beyond: '1,000,000 bytes, a part of them in its kernel',
      },
    },
    closer: { text: 'which end closes first', values: { client: 'the client', server: 'the server' } },
  },
  seconds: ({ linger }) => (linger === 2 ? 2.5 : 0.2),
  roles: { closing: ({ closer }) => closer, other: ({ closer }) => otherOf[closer] },
  shows: [
    'closing.closedWith',
    'other.closedWith',
    'closing.closeMs',
    'closing.stallMs',
    'closing.lostIn',
    'other.lostIn',
    'closing.lost',
    'other.lost',
    'other.sawEnd',
    'other.errors',
    'counters.lab.TcpExt.TCPAbortOnData',
    'counters.lab.TcpExt.TCPAbortOnClose',
    'closing.path',
    'other.path',
    'closing.errors',
    'timeWait.holder',
  ],

  async scenario({ client, server, until }, { linger, by, sending, unread, closer }) {
    const [near, far] = await client.connect(await server.listen());
    const [closing, other] = closer === 'client' ? [near, far] : [far, near];
    await closing.set('SO_LINGER', linger === 'off' ? 'off' : Number(linger));

    if (unread !== 'empty') {
      await closing.pause();
      await other.write(unread === 'below' ? belowBytes : beyondBytes);
      await closing.unread('node', belowBytes);
      if (unread === 'beyond') {
        await closing.unread('kernel', 1);
        // until the receiver's window is closed: data on the path at the close would be in no queue
        for (let sent = await other.info(); sent.unacked > 0 || sent.notSentBytes === 0; ) sent = await other.info();
      }
    }
    if (sending === 'held') await closing.fill(other, { bytes: heldBytes });
    await closing.close(ways[by]);

    await other.resume();
    const reached = await until(other, 'CLOSE-WAIT', 'CLOSED');
    if (reached === 'CLOSE-WAIT') {
      await other.ended();
      await until(closing, 'FIN-WAIT-2');
      await other.close();
    }
    if (by === 'end') await closing.resume();
    await Promise.all([until(closing, 'TIME-WAIT', 'CLOSED'), until(other, 'CLOSED'), other.gone(), closing.gone()]);
  },

  claims: [
    {
      id: 'zero-resets',
      text: 'with SO_LINGER 0, destroy() and close(2) send a RST instead of a FIN, and neither end keeps TIME-WAIT',
      source: 'socket(7), SO_LINGER; __tcp_close() in net/ipv4/tcp.c; RFC 9293 §3.10.5, ABORT',
      when: ({ linger, by }) => linger === 0 && by !== 'end',
      holds: (facts, { closer }) => is(facts[`${closer}.closedWith`], 'RST') && facts['timeWait.holder'] === 'none',
    },
    {
      id: 'zero-counts',
      text: 'destroy() or close(2) with SO_LINGER 0 and nothing unread in the kernel counts as one TCPAbortOnData, one RST sent, and one reset of an established connection at each end',
      source:
        '__tcp_close() in net/ipv4/tcp.c: TCPAbortOnData; tcp_set_state(): EstabResets, of each end, here in one namespace',
      when: ({ linger, by, unread }) => linger === 0 && by !== 'end' && unread !== 'beyond',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        facts['counters.lab.Tcp.OutRsts'] === 1 &&
        facts['counters.lab.Tcp.EstabResets'] === 2,
    },
    {
      id: 'unread-resets',
      text: 'where the kernel holds unread data, destroy() and close(2) reset the connection at once, with SO_LINGER off, 0 or 2',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: TCPAbortOnClose. At once: less than half the linger',
      when: ({ unread, by }) => unread === 'beyond' && by !== 'end',
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts['timeWait.holder'] === 'none' &&
        facts[`${closer}.closeMs`] < lingerMs / 2,
    },
    {
      id: 'unread-loses-both-ways',
      text: "the reset of a close with unread data loses data of both ends: what both kernels had not sent, what the closing end's kernel held unread, and what net had buffered there",
      source: 'RFC 2525 §2.17; tcp_reset() in net/ipv4/tcp_input.c purges the write queue',
      when: ({ unread, by }) => unread === 'beyond' && by !== 'end',
      holds: (facts, { closer, sending }) =>
        is(facts[`${otherOf[closer]}.lostIn`], 'sendQueue', 'receiveQueue', 'readBuffer') &&
        is(facts[`${closer}.lostIn`], ...(sending === 'held' ? (['sendQueue'] as const) : [])),
    },
    {
      id: 'below-does-not-reset',
      text: `${belowBytes} bytes in net's own buffer are no longer in the kernel: with SO_LINGER off or 2, destroy() and close(2) send a FIN, though the application did not read them`,
      source: 'measured: libuv reads until the stream is full, 64 KiB',
      when: ({ unread, by, linger }) => unread === 'below' && by !== 'end' && linger !== 0,
      holds: (facts, { closer }) => is(facts[`${closer}.closedWith`], 'FIN'),
    },
    {
      id: 'below-loses-silently',
      text: "with SO_LINGER off or 2, data that is lost with net's buffer was acknowledged, and the application that wrote the data gets no error",
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: ({ unread, by, linger }) => unread === 'below' && by !== 'end' && linger !== 0,
      holds: (facts, { closer }) =>
        is(facts[`${otherOf[closer]}.lostIn`], 'readBuffer') &&
        facts[`${otherOf[closer]}.acked`] === belowBytes &&
        facts[`${otherOf[closer]}.errors`].length === 0,
    },
    {
      id: 'positive-blocks-node',
      text: "while the other end's window is closed, destroy() and close(2) with SO_LINGER 2 block the event loop for the full 2 s, though the descriptor is non-blocking",
      source:
        'inet_release() in net/ipv4/af_inet.c; sk_stream_wait_close() in net/core/stream.c. Tolerance: never early; a slot of the timer wheel, an eighth at most, and a busy machine, 1 s in all',
      when: (cell) => cell.linger === 2 && isHeld(cell),
      holds: (facts, { closer }) =>
        facts[`${closer}.closeMs`] >= lingerMs &&
        facts[`${closer}.closeMs`] <= lingerMs + 1000 &&
        facts[`${closer}.stallMs`] >= lingerMs - stallResolutionMs,
    },
    {
      id: 'linger-ends-with-acknowledgement',
      text: 'with nothing unsent, SO_LINGER 2 waits only for the acknowledgement of the FIN: close() returns early, though the other end has not closed',
      source:
        'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK. Before its time: less than half of it',
      when: ({ linger, by, sending, unread }) =>
        linger === 2 && by !== 'end' && sending === 'empty' && unread !== 'beyond',
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'FIN') && facts[`${closer}.closeMs`] < lingerMs / 2,
    },
    {
      id: 'timeout-is-no-reset',
      text: 'when SO_LINGER 2 expires the kernel does not reset the connection: every byte arrives once the other application reads',
      source: '__tcp_close() in net/ipv4/tcp.c: after the wait the socket is an orphan in FIN-WAIT-1',
      when: (cell) => cell.linger === 2 && isHeld(cell),
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'FIN') &&
        facts[`${closer}.delivered`] === heldBytes &&
        facts[`${closer}.lost`] === 0 &&
        facts[`${closer}.errors`].length === 0,
    },
    {
      id: 'off-loses-nothing',
      text: 'with SO_LINGER off, destroy() and close(2) return at once, and the kernel still delivers every byte to an application that reads',
      source: 'socket(7), SO_LINGER; tcp_close() in net/ipv4/tcp.c',
      when: (cell) => cell.linger === 'off' && isHeld(cell),
      holds: (facts, { closer }) =>
        facts[`${closer}.closeMs`] < lingerMs / 2 &&
        facts[`${closer}.delivered`] === heldBytes &&
        facts[`${closer}.lost`] === 0,
    },
    {
      id: 'zero-loses',
      text: 'of the data that the closing end wrote, SO_LINGER 0 discards what its kernel had not sent, and on loopback, which loses no segment, only that',
      source:
        '__tcp_close() in net/ipv4/tcp.c: tcp_disconnect() purges the write queue and what was sent and not acknowledged',
      when: ({ linger, by, sending }) => linger === 0 && by !== 'end' && sending === 'held',
      holds: (facts, { closer }) => is(facts[`${closer}.lostIn`], 'sendQueue'),
    },
    {
      id: 'zero-leaves-arrived',
      text: 'the other application first reads the data that arrived before the RST of SO_LINGER 0, then gets ECONNRESET instead of the end of the stream',
      source:
        'tcp_reset() in net/ipv4/tcp_input.c leaves sk_receive_queue; tcp_recvmsg_locked() reads it before sk_err',
      when: ({ linger, by, sending }) => linger === 0 && by !== 'end' && sending === 'held',
      holds: (facts, { closer }) =>
        facts[`${closer}.delivered`] > 0 &&
        !facts[`${otherOf[closer]}.sawEnd`] &&
        facts[`${otherOf[closer]}.errors`].some(({ errno }) => errno === 'ECONNRESET'),
    },
    {
      id: 'unread-counts-first',
      text: 'where unread data and SO_LINGER 0 are each a reason for a RST, the kernel counts TCPAbortOnClose (unread data), not TCPAbortOnData',
      source: '__tcp_close() in net/ipv4/tcp.c looks at the receive queue first',
      when: ({ linger, by, unread }) => linger === 0 && by !== 'end' && unread === 'beyond',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 && facts['counters.lab.TcpExt.TCPAbortOnData'] === 0,
    },
    {
      id: 'read-all-then-fin',
      text: 'an end that has read everything up to the FIN of the closing end closes with a FIN, and neither end sends a RST',
      source: 'RFC 9293 §3.6; __tcp_close() in net/ipv4/tcp.c: tcp_close_state(), CLOSE-WAIT to LAST-ACK',
      when: ({ linger, by, unread }) => by === 'end' || (linger !== 0 && unread !== 'beyond'),
      holds: (facts, { closer }) =>
        is(facts[`${otherOf[closer]}.closedWith`], 'FIN') && facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'end-is-not-close',
      text: "net's end() ignores SO_LINGER, be it off, 0 or 2: end() does not wait, and the closing end sends a FIN and keeps TIME-WAIT",
      source:
        'inet_shutdown() in net/ipv4/af_inet.c knows no linger; Node.js documentation, socket.end(). Does not wait: less than half the linger',
      when: ({ by }) => by === 'end',
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'FIN') &&
        facts[`${closer}.closeMs`] < lingerMs / 2 &&
        facts['timeWait.holder'] === closer,
    },
  ],

  guide: [
    {
      about: { SO_LINGER: 'measured', 'thousands of TIME-WAIT': 'helps' },
      claim: 'zero-resets',
      text: 'With SO_LINGER 0, destroy() and close(2) send a RST instead of a FIN, and no end keeps TIME-WAIT. See what SO_LINGER 0 risks.',
    },
    {
      about: { SO_LINGER: 'risks' },
      claim: 'zero-loses',
      number: (outcomes) =>
        `up to ${largest(outcomes.map(({ cell, facts }) => facts[`${cell.closer}.lost`])).toLocaleString('en')} of ${heldBytes.toLocaleString('en')} bytes`,
      text: "On loopback, which loses no segment, SO_LINGER 0 discards what the closing end's kernel had not sent: {number}.",
    },
    {
      about: { SO_LINGER: 'costs', 'close() blocks': 'look at' },
      claim: 'positive-blocks-node',
      number: (outcomes) =>
        range(outcomes, ({ cell, facts }) => facts[`${cell.closer}.stallMs`] / 1000, { digits: 1, unit: 's' }),
      text: "SO_LINGER 2 blocks the event loop for {number} while the other end's window is closed, though the descriptor is non-blocking.",
    },
    {
      about: { SO_LINGER: 'measured', 'close() blocks': 'helps' },
      claim: 'off-loses-nothing',
      text: 'With SO_LINGER off and nothing unread in the kernel, destroy() and close(2) return at once, and every byte still reaches an application that reads.',
    },
    {
      about: { SO_LINGER: 'measured' },
      claim: 'end-is-not-close',
      when: ({ linger }) => linger !== 'off',
      text: "net's end() ignores SO_LINGER: it does not wait and sends a FIN, and the closing end keeps TIME-WAIT.",
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const closed = outcomes.filter(({ cell }) => cell.by !== 'end');
    const ended = outcomes.filter(({ cell }) => cell.by === 'end');
    const kept = closed.filter(({ cell }) => cell.unread !== 'beyond');
    const unread = closed.filter(({ cell }) => cell.unread === 'beyond');
    const of = (linger: 'off' | 0 | 2, among: Outcomes) => among.filter(({ cell }) => cell.linger === linger);
    const held = kept.filter(({ cell }) => cell.sending === 'held');
    const [heldOff, heldZero, heldTwo] = [of('off', held), of(0, held), of(2, held)];
    const [zero, endedZero] = [of(0, kept), of(0, ended)];
    const resets = (among: Outcomes) =>
      among.filter(({ cell, facts }) => is(facts[`${cell.closer}.closedWith`], 'RST'));
    const fins = (among: Outcomes) => among.filter(({ cell, facts }) => is(facts[`${cell.closer}.closedWith`], 'FIN'));
    const lost = ({ cell, facts }: Outcomes[number]) => facts[`${cell.closer}.lost`];
    const whole = (among: Outcomes) => among.filter((outcome) => lost(outcome) === 0);
    const stall = ({ cell, facts }: Outcomes[number]) => facts[`${cell.closer}.stallMs`] / 1000;
    const frozen = heldTwo.filter((outcome) => stall(outcome) * 1000 >= lingerMs - stallResolutionMs);
    const ignores = endedZero.filter(
      ({ cell, facts }) => is(facts[`${cell.closer}.closedWith`], 'FIN') && facts['timeWait.holder'] === cell.closer,
    );
    const endedUnread = ended.filter(({ cell }) => cell.unread === 'beyond');
    const bytes = (count: number) => count.toLocaleString('en');
    const most = heldZero.length > 0 ? largest(heldZero.map(lost)) : 0;
    const discards = heldZero.length > 0 && whole(heldZero).length < heldZero.length;
    const byZero =
      zero.length > 0 &&
      (resets(zero).length < zero.length
        ? 'SO_LINGER 0 does not always reset'
        : `SO_LINGER 0 resets${discards ? ' and discards unsent data' : ''}`);
    const byTwo =
      heldTwo.length > 0 &&
      (frozen.length > 0 ? 'a positive SO_LINGER can freeze Node' : 'a positive SO_LINGER does not block Node');
    return {
      headline: (byZero || byTwo) && sentence(byZero, byTwo),
      findings: [
        finding(
          share(resets(zero), zero),
          'With SO_LINGER 0 and nothing unread in the kernel, destroy() and close(2) send a RST instead of a FIN.',
        ),
        heldZero.length > 0 &&
          finding(
            `up to ${bytes(most)} of ${bytes(heldBytes)} bytes`,
            discards
              ? `With nothing unread in the kernel, SO_LINGER 0 discards up to ${bytes(most)} of ${bytes(heldBytes)} bytes: data that the kernel had not sent yet.`
              : 'SO_LINGER 0 discards nothing.',
            heldZero,
          ),
        heldTwo.length > 0 &&
          finding(
            range(heldTwo, stall, { digits: 1, unit: 's' }),
            `SO_LINGER 2 blocks the event loop for ${range(heldTwo, stall, { digits: 1, unit: 's' })} while the other end's window is closed; all data arrives in ${share(whole(heldTwo), heldTwo)} closes.`,
          ),
        finding(
          share(resets(unread), unread),
          `With data left unread in the kernel, destroy() and close(2) send a RST, whatever SO_LINGER is.${
            endedUnread.length > 0 ? ` end() sends a FIN (${share(fins(endedUnread), endedUnread)}).` : ''
          }`,
        ),
        finding(
          share(ignores, endedZero),
          "net's end() ignores SO_LINGER 0: the closing end sends a FIN and keeps TIME-WAIT.",
        ),
        finding(
          share(whole(heldOff), heldOff),
          "With SO_LINGER off and nothing unread in the kernel, the close loses none of the closing end's data: the kernel sends the rest.",
        ),
      ],
    };
  },
});
