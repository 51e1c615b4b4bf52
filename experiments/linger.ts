import { type CloseBy, experiment } from 'lingerlab';

const ways: Record<'end' | 'destroy' | 'raw-close', CloseBy> = {
  end: 'end',
  destroy: 'destroy',
  'raw-close': 'close(2)',
};
/** The receiver's kernel takes 128 KB of it when its application does not read; the rest waits in the sender's. */
const heldBytes = 300_000;
/** Fits into Node's buffer, which takes 64 KiB from the kernel without being asked. */
const belowBytes = 1000;
const beyondBytes = 300_000;
const lingerMs = 2000;

export default experiment({
  id: 'linger',
  question: 'What does SO_LINGER change when a socket is closed?',
  group: 'Closing',
  factors: {
    linger: ['off', 0, 2],
    by: ['end', 'destroy', 'raw-close'],
    sending: ['empty', 'held'],
    unread: ['empty', 'below', 'beyond'],
    closer: ['client', 'server'],
  },
  seconds: ({ linger }) => (linger === 2 ? 2.5 : 0.2),
  shows: [
    'timeWait.holder',
    'client.closedWith',
    'server.closedWith',
    'client.delivered',
    'server.delivered',
    'client.errors',
    'server.errors',
    'counters.lab.TcpExt.TCPAbortOnData',
    'counters.lab.TcpExt.TCPAbortOnClose',
  ],

  async scenario({ client, server, until }, { linger, by, sending, unread, closer }) {
    const [near, far] = await client.connect(await server.listen());
    const [closing, other] = closer === 'client' ? [near, far] : [far, near];
    await closing.set('SO_LINGER', linger === 'off' ? 'off' : Number(linger));

    if (unread !== 'empty') {
      await closing.pause();
      await other.write(unread === 'below' ? belowBytes : beyondBytes);
      await closing.unread('node', belowBytes);
      if (unread === 'beyond') await closing.unread('kernel', 1);
    }
    if (sending === 'held') {
      await other.stopReading();
      await closing.write(heldBytes);
      await other.unread('kernel', 1);
    }
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
      text: 'closed with linger 0 a connection is reset: one RST, no TIME-WAIT on either end',
      source: 'socket(7), SO_LINGER; __tcp_close() in net/ipv4/tcp.c; RFC 9293 §3.10.5, ABORT',
      when: ({ linger, by }) => linger === 0 && by !== 'end',
      holds: (facts, { closer }) =>
        facts[`${closer}.closedWith`].join() === 'RST' && facts['timeWait.holder'] === 'none',
    },
    {
      id: 'unread-resets',
      text: 'a socket with unread data in the kernel is reset when it is closed, whatever SO_LINGER says, and at once',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: TCPAbortOnClose',
      when: ({ unread, by }) => unread === 'beyond' && by !== 'end',
      holds: (facts, { closer }) =>
        facts[`${closer}.closedWith`].join() === 'RST' &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts[`${closer}.closeMs`] < lingerMs / 2,
    },
    {
      id: 'below-does-not-reset',
      text: "data that net has taken into its own buffer is no longer the kernel's: closing sends a FIN though nobody read it",
      source: 'measured: libuv reads until the stream is full, 64 KiB',
      when: ({ unread, by, linger }) => unread === 'below' && by !== 'end' && linger !== 0,
      holds: (facts, { closer }) => facts[`${closer}.closedWith`].join() === 'FIN',
    },
    {
      id: 'positive-blocks-node',
      text: 'a positive linger blocks the whole event loop in destroy() and close(2), though the descriptor is non-blocking, for its full time when the other end does not read',
      source: 'inet_release() in net/ipv4/af_inet.c; sk_stream_wait_close() in net/core/stream.c',
      when: ({ linger, by, sending, unread }) =>
        linger === 2 && by !== 'end' && sending === 'held' && unread !== 'beyond',
      // the kernel's timer is never early; a slot of its wheel at 2 s is 0.06 s at HZ=1000, 0.26 s at 250, 0.64 s at 100
      holds: (facts, { closer }) =>
        facts[`${closer}.closeMs`] >= lingerMs && facts[`${closer}.closeMs`] <= lingerMs + 1000,
    },
    {
      id: 'timeout-is-no-reset',
      text: 'when a positive linger runs out nothing is reset: the kernel goes on, and every byte arrives once the other end reads',
      source: '__tcp_close() in net/ipv4/tcp.c: after the wait the socket is an orphan in FIN-WAIT-1',
      when: ({ linger, by, sending, unread }) =>
        linger === 2 && by !== 'end' && sending === 'held' && unread !== 'beyond',
      holds: (facts, { closer }) =>
        facts[`${closer}.closedWith`].join() === 'FIN' && facts[`${closer}.delivered`] === heldBytes,
    },
    {
      id: 'off-loses-nothing',
      text: 'without linger close returns at once and the kernel still delivers what it holds',
      source: 'socket(7), SO_LINGER; tcp_close() in net/ipv4/tcp.c',
      when: ({ linger, by, sending, unread }) =>
        linger === 'off' && by !== 'end' && sending === 'held' && unread !== 'beyond',
      holds: (facts, { closer }) =>
        facts[`${closer}.closeMs`] < lingerMs / 2 && facts[`${closer}.delivered`] === heldBytes,
    },
    {
      id: 'zero-loses',
      text: 'linger 0 throws away what the kernel had not sent yet',
      source: '__tcp_close() in net/ipv4/tcp.c: tcp_disconnect() purges the write queue',
      when: ({ linger, by, sending }) => linger === 0 && by !== 'end' && sending === 'held',
      holds: (facts, { closer }) => facts[`${closer}.delivered`] < heldBytes,
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
      id: 'end-is-not-close',
      text: "net's end() only shuts down: it never blocks, and SO_LINGER does not change the FIN",
      source: 'inet_shutdown() in net/ipv4/af_inet.c knows no linger; Node.js documentation, socket.end()',
      when: ({ by }) => by === 'end',
      holds: (facts, { closer }) =>
        facts[`${closer}.closedWith`][0] === 'FIN' && facts[`${closer}.closeMs`] < lingerMs / 2,
    },
  ],

  answer(outcomes) {
    const closed = outcomes.filter(({ cell }) => cell.by !== 'end');
    const of = (linger: 'off' | 0 | 2, sending: 'empty' | 'held') =>
      closed.filter(({ cell }) => cell.linger === linger && cell.sending === sending && cell.unread !== 'beyond');
    const resets = [...of(0, 'empty'), ...of(0, 'held')].filter(
      ({ cell, facts }) => facts[`${cell.closer}.closedWith`].join() === 'RST',
    );
    const lost = of(0, 'held').map(({ cell, facts }) => heldBytes - facts[`${cell.closer}.delivered`]);
    const blocked = of(2, 'held').map(({ cell, facts }) => facts[`${cell.closer}.closeMs`]);
    const kept = of(2, 'held').filter(({ cell, facts }) => facts[`${cell.closer}.delivered`] === heldBytes);
    const share = (part: readonly unknown[], whole: readonly unknown[]) => `${part.length} of ${whole.length}`;
    const most = (values: readonly number[]) =>
      values.length === 0 ? 'unknown' : String(Math.round(Math.max(...values)));
    return (
      `Linger 0 reset ${share(resets, [...of(0, 'empty'), ...of(0, 'held')])} closes and lost up to ${most(lost)} of ` +
      `${heldBytes} bytes; linger 2 froze the whole Node process for up to ${most(blocked)} ms when the other end did not read, ` +
      `and all bytes still arrived in ${share(kept, of(2, 'held'))}.`
    );
  },
});
