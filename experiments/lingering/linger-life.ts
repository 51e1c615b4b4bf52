import { errnos, experiment, finding, is, kind, sentence, share } from 'lingerlab';

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
  words: {
    where: {
      text: 'the socket that SO_LINGER is set on, and what is closed',
      values: {
        listener: 'a listener before it accepts; the accepted socket is closed',
        'listener-later': 'a listener after it accepted; the accepted socket is closed',
        'first-duplicate': 'a duplicate descriptor (dup(2)), which is closed first, then the original',
        'last-duplicate': 'a socket whose first descriptor is closed, then the duplicate (dup(2))',
        'last-copy': 'a socket whose descriptor is closed, then the copy in another process',
        queue: 'a listener, which is closed with a connection in its queue',
        unconnected: 'a socket that is only bound, and closed',
        'end-then-reset':
          "a socket on which end() and resetAndDestroy() are called in the same turn of Node's event loop",
        reset: 'a socket on which resetAndDestroy() alone is called',
      },
    },
    linger: { text: 'the SO_LINGER that is set', values: { off: 'off', zero: 'on, 0 s', seconds: 'on, 2 s' } },
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
      label: 'other end after first close',
      text: 'the state of the other end after one of two descriptors was closed',
    },
    heldMs: kind.ms({
      label: 'close(2) took',
      text: 'how long close(2) of the listener, or of the bound socket, blocked its thread',
    }),
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
      text: 'SO_LINGER 0 of a listener resets an accepted socket on which nothing was set',
      source: 'sk_clone_lock() in net/core/sock.c; __tcp_close() in net/ipv4/tcp.c',
      when: ({ where, linger }) => where === 'listener' && linger === 'zero',
      holds: (facts) => is(facts['server.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnData'] === 1,
    },
    {
      id: 'accepted-before-is-spared',
      text: 'SO_LINGER 0 that is set on the listener after it accepted does not reset the accepted socket',
      source: 'tcp_create_openreq_child() in net/ipv4/tcp_minisocks.c: copied once',
      when: ({ where }) => where === 'listener-later',
      holds: (facts) => is(facts['server.closedWith'], 'FIN') && facts['timeWait.holder'] === 'server',
    },
    {
      id: 'descriptors-share-it',
      text: 'SO_LINGER 0 that is set on a duplicate descriptor belongs to the socket: the close of the other descriptor resets',
      source: 'socket(7): options are of the socket, not the descriptor; dup(2)',
      when: ({ where, linger }) => where === 'first-duplicate' && linger === 'zero',
      holds: (facts) => is(facts['client.closedWith'], 'RST'),
    },
    {
      id: 'only-the-last-close',
      text: 'closing one of two descriptors, in one process or in two, does nothing to the connection; closing the last one sends a FIN, or a RST with SO_LINGER 0',
      source: 'close(2); sock_close() in net/socket.c is the release of the last reference',
      when: ({ where }) => ['first-duplicate', 'last-duplicate', 'last-copy'].includes(where),
      holds: (facts, { linger }) =>
        facts.afterFirstClose === 'ESTABLISHED' && is(facts['client.closedWith'], linger === 'zero' ? 'RST' : 'FIN'),
    },
    {
      id: 'queue-is-reset',
      text: 'closing a listener resets the connection in its queue, with SO_LINGER off, 0 or 2; the client gets ECONNRESET, and neither TCPAbortOnData nor TCPAbortOnClose counts the reset',
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
      text: 'close(2) of a socket that is only bound, and of a listener, returns at once, though SO_LINGER is 2',
      source: 'sk_stream_closing() in net/core/stream.c: FIN-WAIT-1, CLOSING, LAST-ACK; tolerance: half the linger',
      when: ({ where, linger }) => linger === 'seconds' && (where === 'queue' || where === 'unconnected'),
      holds: (facts) => facts.heldMs < lingerMs / 2,
    },
    {
      id: 'end-then-reset-is-refused',
      text: "net's resetAndDestroy() after end() in the same turn fails with EINVAL: the client sends a FIN, with SO_LINGER 0, too, and keeps TIME-WAIT, and Node emits no 'close'",
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
      text: 'resetAndDestroy() alone resets: libuv sets SO_LINGER 0 itself',
      source: 'uv_tcp_close_reset() in libuv src/unix/tcp.c; Node.js documentation, socket.resetAndDestroy()',
      when: ({ where }) => where === 'reset',
      holds: (facts) => is(facts['client.closedWith'], 'RST') && facts['counters.lab.TcpExt.TCPAbortOnData'] === 1,
    },
  ],

  guide: [
    {
      about: { SO_LINGER: 'risks' },
      claim: 'inherited-decides',
      text: 'SO_LINGER 0 of a listener resets an accepted socket on which nothing was set.',
    },
  ],

  answer(outcomes) {
    const at = (...wheres: string[]) => outcomes.filter(({ cell }) => wheres.includes(cell.where));
    const zero = at('listener').filter(({ cell }) => cell.linger === 'zero');
    const inherited = zero.filter(({ facts }) => is(facts['server.closedWith'], 'RST'));
    const later = at('listener-later');
    const spared = later.filter(({ facts }) => is(facts['server.closedWith'], 'FIN'));
    const first = at('first-duplicate').filter(({ cell }) => cell.linger === 'zero');
    const shared = first.filter(({ facts }) => is(facts['client.closedWith'], 'RST'));
    const twice = at('first-duplicate', 'last-duplicate', 'last-copy');
    const last = twice.filter(
      ({ cell, facts }) =>
        facts.afterFirstClose === 'ESTABLISHED' &&
        is(facts['client.closedWith'], cell.linger === 'zero' ? 'RST' : 'FIN'),
    );
    const waiting = at('queue');
    const reset = waiting.filter(({ facts }) => is(facts['server.closedWith'], 'RST'));
    const both = at('end-then-reset');
    const refused = both.filter(
      ({ facts }) =>
        is(facts['client.closedWith'], 'FIN') &&
        errnos(facts['client.errors']).includes('EINVAL') &&
        !facts['client.events'].includes('close'),
    );
    const alone = at('reset');
    const destroyed = alone.filter(({ facts }) => is(facts['client.closedWith'], 'RST'));
    const belongs =
      first.length > 0 &&
      (shared.length === first.length
        ? 'SO_LINGER belongs to the socket, not the descriptor'
        : 'SO_LINGER belongs to one descriptor');
    const inherits =
      zero.length > 0 &&
      `accepted sockets ${inherited.length === zero.length ? 'inherit' : 'do not inherit'} ${belongs ? 'it' : "the listener's SO_LINGER"}`;
    return {
      headline: (belongs || inherits) && sentence(belongs, inherits),
      findings: [
        finding(
          share(inherited, zero),
          'A socket on which nothing was set sends a RST, because the listener that accepted it has SO_LINGER 0.',
        ),
        finding(
          share(spared, later),
          'SO_LINGER 0 that is set on the listener later does not reset a socket already accepted.',
        ),
        finding(
          share(last, twice),
          'Closing one of two descriptors does nothing to the connection; closing the last one sends a FIN, or with SO_LINGER 0 a RST.',
        ),
        finding(
          share(reset, waiting),
          'Closing a listener resets the connection in its queue, whatever its SO_LINGER is.',
        ),
        finding(
          share(refused, both),
          "resetAndDestroy() after end() in the same turn fails with EINVAL: the client sends a FIN, and Node emits no 'close'.",
        ),
        finding(share(destroyed, alone), 'resetAndDestroy() alone sends a RST, although SO_LINGER is off.'),
      ],
    };
  },
});
