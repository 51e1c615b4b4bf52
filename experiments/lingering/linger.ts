import { type CloseBy, experiment, is, largest, sentence, share } from 'lingerlab';

const ways: Record<'end' | 'destroy' | 'raw-close', CloseBy> = {
  end: 'end',
  destroy: 'destroy',
  'raw-close': 'close(2)',
};
/** The receiver's kernel takes 128 KB of it when its application does not read; the rest waits in the sender's. */
const heldBytes = 300_000;
/** Fits into Node's buffer, which takes 64 KiB from the kernel without being asked. */
const belowBytes = 1000;
/** More than net's buffer, the closing end's kernel and chance can take: some of it is always left in the other kernel. */
const beyondBytes = 1_000_000;
const lingerMs = 2000;
/** A peer looks at its event loop every 5 ms: a stall is told that much too short at each of its ends. */
const stallResolutionMs = 10;
/** Closed by destroy() or close(2) while data waits for a reader that does not read, and nothing resets the connection. */
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
        // until its window is closed: what is on its way when it closes would be in no queue
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
      text: 'closed with linger 0 by destroy() or close(2), a connection is reset: a RST instead of a FIN, no TIME-WAIT on either end',
      source: 'socket(7), SO_LINGER; __tcp_close() in net/ipv4/tcp.c; RFC 9293 §3.10.5, ABORT',
      when: ({ linger, by }) => linger === 0 && by !== 'end',
      holds: (facts, { closer }) => is(facts[`${closer}.closedWith`], 'RST') && facts['timeWait.holder'] === 'none',
    },
    {
      id: 'zero-counts',
      text: 'the kernel counts such a close with nothing unread once as TCPAbortOnData and as one RST sent, and both ends as resets of established connections',
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
      text: 'a socket with unread data in the kernel is reset at once when destroy() or close(2) closes it, with SO_LINGER off, 0 or 2',
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
      text: "with that reset the kernels lose data of both ends: what the closing end's held unread, what the other end's had not sent, and what the closing end's own had not sent; what net had buffered unread is discarded by net",
      source: 'RFC 2525 §2.17; tcp_reset() in net/ipv4/tcp_input.c purges the write queue',
      when: ({ unread, by }) => unread === 'beyond' && by !== 'end',
      holds: (facts, { closer, sending }) =>
        is(facts[`${otherOf[closer]}.lostIn`], 'sendQueue', 'receiveQueue', 'readBuffer') &&
        is(facts[`${closer}.lostIn`], ...(sending === 'held' ? (['sendQueue'] as const) : [])),
    },
    {
      id: 'below-does-not-reset',
      text: `${belowBytes} bytes that net has taken into its own buffer are no longer the kernel's: destroy() and close(2) send a FIN though the application did not read them`,
      source: 'measured: libuv reads until the stream is full, 64 KiB',
      when: ({ unread, by, linger }) => unread === 'below' && by !== 'end' && linger !== 0,
      holds: (facts, { closer }) => is(facts[`${closer}.closedWith`], 'FIN'),
    },
    {
      id: 'below-loses-silently',
      text: "what is lost with net's buffer was acknowledged, and the end that wrote it reads no error",
      source: 'RFC 793 §2.6: an acknowledgment does not guarantee that the data has been delivered to the end user',
      when: ({ unread, by, linger }) => unread === 'below' && by !== 'end' && linger !== 0,
      holds: (facts, { closer }) =>
        is(facts[`${otherOf[closer]}.lostIn`], 'readBuffer') &&
        facts[`${otherOf[closer]}.acked`] === belowBytes &&
        facts[`${otherOf[closer]}.errors`].length === 0,
    },
    {
      id: 'positive-blocks-node',
      text: 'linger 2 blocks the whole event loop in destroy() and close(2), though the descriptor is non-blocking, for its full time when the other end does not read',
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
      text: 'with nothing unsent, linger 2 ends when the FIN is acknowledged: close returns before its time though the other end has not closed',
      source:
        'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK. Before its time: less than half of it',
      when: ({ linger, by, sending, unread }) =>
        linger === 2 && by !== 'end' && sending === 'empty' && unread !== 'beyond',
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'FIN') && facts[`${closer}.closeMs`] < lingerMs / 2,
    },
    {
      id: 'timeout-is-no-reset',
      text: 'when linger 2 runs out nothing is reset: the kernel goes on, and every byte arrives once the other end reads',
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
      text: 'without linger close returns at once, and the kernel still delivers what it holds to an application that reads on',
      source: 'socket(7), SO_LINGER; tcp_close() in net/ipv4/tcp.c',
      when: (cell) => cell.linger === 'off' && isHeld(cell),
      holds: (facts, { closer }) =>
        facts[`${closer}.closeMs`] < lingerMs / 2 &&
        facts[`${closer}.delivered`] === heldBytes &&
        facts[`${closer}.lost`] === 0,
    },
    {
      id: 'zero-loses',
      text: 'of what the closing end wrote, linger 0 throws away what its kernel had not sent yet, and only that',
      source: '__tcp_close() in net/ipv4/tcp.c: tcp_disconnect() purges the write queue',
      when: ({ linger, by, sending }) => linger === 0 && by !== 'end' && sending === 'held',
      holds: (facts, { closer }) => is(facts[`${closer}.lostIn`], 'sendQueue'),
    },
    {
      id: 'zero-leaves-arrived',
      text: 'what had arrived before the RST of linger 0 is read first, then ECONNRESET instead of the end',
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
      text: 'where both would reset, unread data is what the kernel counts',
      source: '__tcp_close() in net/ipv4/tcp.c looks at the receive queue first',
      when: ({ linger, by, unread }) => linger === 0 && by !== 'end' && unread === 'beyond',
      holds: (facts) =>
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 && facts['counters.lab.TcpExt.TCPAbortOnData'] === 0,
    },
    {
      id: 'read-all-then-fin',
      text: 'an end that has read all up to the FIN of the closing end closes with a FIN: no RST is sent',
      source: 'RFC 9293 §3.6; __tcp_close() in net/ipv4/tcp.c: tcp_close_state(), CLOSE-WAIT to LAST-ACK',
      when: ({ linger, by, unread }) => by === 'end' || (linger !== 0 && unread !== 'beyond'),
      holds: (facts, { closer }) =>
        is(facts[`${otherOf[closer]}.closedWith`], 'FIN') && facts['counters.lab.Tcp.OutRsts'] === 0,
    },
    {
      id: 'end-is-not-close',
      text: "net's end() only shuts down: with SO_LINGER off, 0 or 2 it does not wait and sends a FIN, and linger 0 takes no TIME-WAIT back when net closes later",
      source:
        'inet_shutdown() in net/ipv4/af_inet.c knows no linger; Node.js documentation, socket.end(). Does not wait: less than half the linger',
      when: ({ by }) => by === 'end',
      holds: (facts, { closer }) =>
        is(facts[`${closer}.closedWith`], 'FIN') &&
        facts[`${closer}.closeMs`] < lingerMs / 2 &&
        facts['timeWait.holder'] === closer,
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const closed = outcomes.filter(({ cell }) => cell.by !== 'end');
    const kept = closed.filter(({ cell }) => cell.unread !== 'beyond');
    const of = (linger: 'off' | 0 | 2, among: Outcomes = kept) => among.filter(({ cell }) => cell.linger === linger);
    const held = kept.filter(({ cell }) => cell.sending === 'held');
    const unread = closed.filter(({ cell }) => cell.unread === 'beyond');
    const endedOn = outcomes.filter(({ cell }) => cell.by === 'end' && cell.unread === 'beyond');
    const resets = (among: Outcomes) =>
      among.filter(({ cell, facts }) => is(facts[`${cell.closer}.closedWith`], 'RST'));
    const whole = (among: Outcomes) => among.filter(({ cell, facts }) => facts[`${cell.closer}.lost`] === 0);
    const ended = outcomes.filter(({ cell }) => cell.by === 'end' && cell.linger === 0);
    const waits = ended.filter(({ cell, facts }) => facts['timeWait.holder'] === cell.closer);
    const most = (among: Outcomes, what: 'lost' | 'stallMs') =>
      Math.round(largest(among.map(({ cell, facts }) => facts[`${cell.closer}.${what}`])));
    const [heldOff, heldZero, heldTwo] = [of('off', held), of(0, held), of(2, held)];
    /** What the other end lost, but for what net had buffered and discarded. */
    const inKernels = ({ cell, facts }: Outcomes[number]) =>
      facts[`${otherOf[cell.closer]}.lost.sendQueue`] + facts[`${otherOf[cell.closer]}.lost.receiveQueue`];
    const bytes = (count: number) => count.toLocaleString('en');
    return sentence(
      of(0).length > 0 && `linger 0 reset ${share(resets(of(0)), of(0))} connections that destroy() or close(2) closed`,
      ended.length > 0 &&
        `after end() linger 0 reset ${share(resets(ended), ended)}: a FIN went out, and TIME-WAIT stayed with who closed in ${waits.length}`,
      heldZero.length > 0 &&
        `linger 0 threw away up to ${bytes(most(heldZero, 'lost'))} of ${bytes(heldBytes)} bytes that it had written`,
      heldOff.length > 0 && `without linger all of them arrived in ${share(whole(heldOff), heldOff)}`,
      heldTwo.length > 0 &&
        `linger 2 lost none in ${share(whole(heldTwo), heldTwo)} but froze the whole Node process for up to ${most(heldTwo, 'stallMs')} ms`,
      unread.length > 0 &&
        `unread data in the kernel made ${share(resets(unread), unread)} closes by destroy() or close(2) a reset, whatever SO_LINGER said, and cost the other end up to ${bytes(largest(unread.map(inKernels)))} bytes that the kernels held`,
      endedOn.length > 0 && `end() on unread data was a reset in ${share(resets(endedOn), endedOn)}`,
    );
  },
});
