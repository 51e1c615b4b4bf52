import { errnos, experiment, is, kind, sentence, share } from 'lingerlab';

const lingers = { off: 'off', zero: 0, seconds: 2 } as const;
const lingerMs = 2000;

export default experiment({
  id: 'linger-life',
  question: 'Which socket does an SO_LINGER setting belong to, and which close does it decide?',
  tags: ['SO_LINGER', 'dup', 'inherit', 'listener', 'resetAndDestroy()', 'libuv', 'file descriptor', 'fork'],
  symptoms: [
    'does an accepted socket inherit SO_LINGER',
    'linger on the listening socket',
    'closing one of two descriptors',
  ],
  factors: {
    // set on: a listener, before or after it accepted; a duplicate that is closed first; a socket whose duplicate is closed last, or
    // whose copy in another process is; a listener that accepts nothing; a socket that is only bound; one that net ends, and resets in the same turn
    where: [
      'listener',
      'listener-later',
      'first-duplicate',
      'last-duplicate',
      'last-copy',
      'queue',
      'unconnected',
      'end-then-reset',
      'reset',
    ],
    linger: ['off', 'zero', 'seconds'],
  },
  only: ({ where, linger }) =>
    ({
      listener: linger !== 'seconds',
      'listener-later': linger === 'zero',
      'first-duplicate': linger === 'zero',
      'last-duplicate': linger !== 'seconds',
      'last-copy': linger !== 'seconds',
      queue: true,
      unconnected: linger === 'seconds',
      'end-then-reset': linger !== 'seconds',
      reset: linger === 'off',
    })[where],
  seconds: 0.3,
  measures: {
    afterFirstClose: {
      ...kind.word('ESTABLISHED', 'not'),
      text: 'what the other end was in when one of two descriptors was closed',
    },
    heldMs: kind.ms({ text: 'how long close(2) of the listener, or of the bound socket, held its thread' }),
  },
  shows: [
    'client.closedWith',
    'server.closedWith',
    'afterFirstClose',
    'heldMs',
    'client.errors',
    'timeWait.holder',
    'counters.lab.Tcp.OutRsts',
    'counters.lab.TcpExt.TCPAbortOnData',
    'client.events',
  ],

  async scenario({ client, server, start, until, note }, { where, linger }) {
    const value = lingers[linger];
    if (where === 'unconnected' || where === 'queue') {
      const bound = await server.bind();
      await bound.set('SO_LINGER', value);
      const closeTimed = async (socket: Pick<typeof bound, 'close'>) => {
        const closed = await socket.close().answer();
        note('heldMs', closed.ns / 1e6);
      };
      if (where === 'unconnected') return closeTimed(bound);
      const queue = await bound.queue();
      const waiting = await client.join(queue);
      await until(waiting, 'ESTABLISHED');
      await closeTimed(queue);
      await Promise.all([until(waiting, 'CLOSED'), waiting.gone()]);
      return;
    }

    const listener = await server.listen();
    if (where === 'listener') await listener.set('SO_LINGER', value);
    const [near, far] = await client.connect(listener);
    if (where === 'listener-later') await listener.set('SO_LINGER', value);
    const [closing, other] = where === 'listener' || where === 'listener-later' ? [far, near] : [near, far];
    const noteOther = async () =>
      note('afterFirstClose', (await other.info()).state === 'ESTABLISHED' ? 'ESTABLISHED' : 'not');

    if (where === 'first-duplicate') {
      const duplicate = await near.dup();
      await duplicate.set('SO_LINGER', value);
      await duplicate.close();
      await noteOther();
      await near.close('destroy');
    } else if (where === 'last-duplicate' || where === 'last-copy') {
      await near.set('SO_LINGER', value);
      const duplicate = where === 'last-copy' ? await near.copyTo(await start('child')) : await near.dup();
      await near.close('destroy');
      await near.gone();
      await noteOther();
      await duplicate.close();
    } else if (where === 'end-then-reset') {
      await near.set('SO_LINGER', value);
      await near.close('end', { andThen: 'resetAndDestroy' });
    } else await closing.close(where === 'reset' ? 'resetAndDestroy' : 'destroy');

    const end = await other.ended().answer();
    if (end.ok) {
      // an acknowledgement that crossed the second FIN would meet TIME-WAIT, and what that answers is reset (RFC 1337)
      await until(closing, 'FIN-WAIT-2', 'CLOSED');
      await other.close();
    }
    await Promise.all([until(closing, 'TIME-WAIT', 'CLOSED'), until(other, 'CLOSED'), other.gone()]);
  },

  claims: [
    {
      id: 'inherited-decides',
      text: 'linger 0 of a listener resets an accepted socket on which nothing was set',
      source: 'sk_clone_lock() in net/core/sock.c; __tcp_close() in net/ipv4/tcp.c',
      when: ({ where, linger }) => where === 'listener' && linger === 'zero',
      holds: (facts) => is(facts['server.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnData'] === 1,
    },
    {
      id: 'accepted-before-is-spared',
      text: 'linger 0 that is set on the listener after it accepted does not reset the accepted socket',
      source: 'tcp_create_openreq_child() in net/ipv4/tcp_minisocks.c: copied once',
      when: ({ where }) => where === 'listener-later',
      holds: (facts) => is(facts['server.closedWith'], 'FIN') && facts['timeWait.holder'] === 'server',
    },
    {
      id: 'descriptors-share-it',
      text: 'linger 0 set on a duplicate is that of the socket: it resets when the other descriptor is closed',
      source: 'socket(7): options are of the socket, not the descriptor; dup(2)',
      when: ({ where }) => where === 'first-duplicate',
      holds: (facts) => is(facts['client.closedWith'], 'RST'),
    },
    {
      id: 'only-the-last-close',
      text: 'closing one of two descriptors does nothing to the connection, even with linger 0, nor while another process has a copy; closing the last one sends a FIN, or with linger 0 a RST',
      source: 'close(2); sock_close() in net/socket.c is the release of the last reference',
      when: ({ where }) => ['first-duplicate', 'last-duplicate', 'last-copy'].includes(where),
      holds: (facts, { linger }) =>
        facts.afterFirstClose === 'ESTABLISHED' && is(facts['client.closedWith'], linger === 'zero' ? 'RST' : 'FIN'),
    },
    {
      id: 'queue-is-reset',
      text: 'a listener that is closed resets the connection that nobody accepted, with SO_LINGER off, 0 or 2, and neither TCPAbortOnData nor TCPAbortOnClose counts it; the client reads ECONNRESET',
      source: 'inet_csk_listen_stop() and inet_child_forget() in net/ipv4/inet_connection_sock.c: tcp_disconnect()',
      when: ({ where }) => where === 'queue',
      holds: (facts) =>
        is(facts['server.closedWith'], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 0 &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 0 &&
        is(errnos(facts['client.errors']), 'ECONNRESET'),
    },
    {
      id: 'no-connection-no-wait',
      text: 'a socket that is only bound, and a listener, are closed at once though SO_LINGER is 2',
      source: 'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK; tolerance: half the linger',
      when: ({ where, linger }) => linger === 'seconds' && (where === 'queue' || where === 'unconnected'),
      holds: (facts) => facts.heldMs < lingerMs / 2,
    },
    {
      id: 'end-then-reset-is-refused',
      text: "net's resetAndDestroy() after end() in the same turn is refused with EINVAL: a FIN goes out, also with linger 0, TIME-WAIT follows, and no 'close' has come when the connection is over",
      source:
        'uv_tcp_close_reset() in libuv src/unix/tcp.c: a stream that is shutting down; Socket._destroy in Node lib/net.js',
      when: ({ where }) => where === 'end-then-reset',
      holds: (facts) =>
        facts['client.errors'].some(({ call, errno }) => call === 'reset' && errno === 'EINVAL') &&
        is(facts['client.closedWith'], 'FIN') &&
        facts['timeWait.holder'] === 'client' &&
        !facts['client.events'].includes('close'),
    },
    {
      id: 'reset-alone-resets',
      text: 'resetAndDestroy() alone resets: libuv sets linger 0 itself',
      source: 'uv_tcp_close_reset() in libuv src/unix/tcp.c; Node.js documentation, socket.resetAndDestroy()',
      when: ({ where }) => where === 'reset',
      holds: (facts) => is(facts['client.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnData'] === 1,
    },
  ],

  answer(outcomes) {
    const at = (...wheres: string[]) => outcomes.filter(({ cell }) => wheres.includes(cell.where));
    const zero = at('listener').filter(({ cell }) => cell.linger === 'zero');
    const inherited = zero.filter(({ facts }) => facts['server.closedWith'].includes('RST'));
    const later = at('listener-later').filter(({ facts }) => facts['server.closedWith'].includes('RST'));
    const twice = at('first-duplicate', 'last-duplicate', 'last-copy');
    const still = twice.filter(({ facts }) => facts.afterFirstClose === 'ESTABLISHED');
    const waiting = at('queue');
    const reset = waiting.filter(({ facts }) => facts['server.closedWith'].includes('RST'));
    const both = at('end-then-reset');
    const fin = both.filter(({ facts }) => is(facts['client.closedWith'], 'FIN'));
    const does = (part: readonly unknown[], verb: string, not: string) => (part.length > 0 ? verb : not);
    return sentence(
      zero.length > 0 &&
        `Linger 0 of a listener ${does(inherited, 'resets', 'does not reset')} the sockets that it accepts`,
      at('listener-later').length > 0 &&
        `linger 0 set later ${does(later, 'resets', 'spares')} those that it had accepted`,
      twice.length > 0 && `the first of two descriptors was closed without effect in ${share(still, twice)}`,
      waiting.length > 0 &&
        `a closing listener reset ${share(reset, waiting)} connections in its queue, whatever its linger`,
      both.length > 0 && `end() and resetAndDestroy() in one turn sent a FIN in ${share(fin, both)}`,
    );
  },
});
