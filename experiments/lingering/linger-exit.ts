import { experiment, is, kind, largest, sentence, share } from 'lingerlab';

/** More than the receiver's kernel takes without its application: the rest, and the FIN, wait in the sender's. */
const heldBytes = 300_000;
const lingerSeconds = 1;
/** Half the linger: an exit without one took 4 to 27 ms. */
const atOnceMs = 500;
/** What a slot of the timer wheel, an eighth of the linger at most, and the harness on a busy machine may add. */
const lateMs = 1000;

export default experiment({
  id: 'linger-exit',
  question: 'Which ways for a process to end honour the SO_LINGER of its open sockets?',
  tags: ['SO_LINGER', 'process.exit()', 'SIGTERM', 'SIGKILL', 'kill -9', 'uncaught exception', 'exit'],
  symptoms: ['data lost when the process exits', 'does kill -9 send RST or FIN', 'process crash and open connections'],
  freshPeers: true,
  factors: {
    // natural: nothing is left to do, as after unref() of every socket
    ends: ['process.exit', 'exception', 'SIGTERM', 'SIGKILL', 'natural'],
    linger: ['off', 'zero', 'seconds'],
    // in the kernel: data that the other end does not take, or data that was not read
    left: ['unsent', 'unread'],
  },
  only: ({ linger, left }) => left === 'unsent' || linger === 'seconds',
  seconds: ({ ends, linger, left }) =>
    ends === 'natural' && linger === 'seconds' && left === 'unsent' ? lingerSeconds + 0.4 : 0.4,
  measures: {
    exit: kind.outcome({ text: 'how the process ended' }),
    waited: kind.boolean({ text: 'whether that took as long as the linger or longer' }),
    exitMs: kind.ms({ text: 'from its last own doing, or the signal, until it was gone' }),
  },
  shows: [
    'client.closedWith',
    'waited',
    'client.delivered',
    'server.sawEnd',
    'server.errors',
    'counters.lab.TcpExt.TCPAbortOnData',
    'counters.lab.TcpExt.TCPAbortOnClose',
    'exit',
    'exitMs',
  ],

  async scenario({ client, server, until, note }, { ends, linger, left }) {
    const [near, far] = await client.connect(await server.listen());
    if (linger !== 'off') await near.set('SO_LINGER', linger === 'zero' ? 0 : lingerSeconds);
    if (left === 'unsent') await near.fill(far, { bytes: heldBytes });
    if (left === 'unread') {
      await near.stopReading();
      await far.write(1);
      await near.unread('kernel', 1);
    }

    const { how, ms } = await client.end(ends);
    note('exit', how);
    note('exitMs', ms);
    note('waited', ms >= lingerSeconds * 1000);

    await far.resume();
    const end = await far.ended().answer();
    if (end.ok) {
      await until(near, 'FIN-WAIT-2');
      await far.close();
    }
    await Promise.all([until(near, 'TIME-WAIT', 'CLOSED'), until(far, 'CLOSED'), far.gone()]);
  },

  claims: [
    {
      id: 'exiting-does-not-wait',
      text: 'process.exit(), an uncaught exception, SIGTERM and SIGKILL do not linger: the process is gone at once, though data waits',
      source: 'inet_release() in net/ipv4/af_inet.c: no timeout with PF_EXITING. At once: less than half the linger',
      when: ({ ends, linger }) => ends !== 'natural' && linger === 'seconds',
      holds: (facts) => !facts.waited && facts.exitMs < atOnceMs,
    },
    {
      id: 'natural-end-waits',
      text: 'a process whose event loop has nothing left to do, its socket unreferenced, lingers for the full 1 s: Node closes its sockets before it exits',
      source:
        'Environment::CleanupHandles() in Node src/env.cc; inet_release() in net/ipv4/af_inet.c. Tolerance: a slot of the timer wheel, and the harness',
      when: ({ ends, linger, left }) => ends === 'natural' && linger === 'seconds' && left === 'unsent',
      holds: (facts) => facts.waited && facts.exitMs < lingerSeconds * 1000 + lateMs,
    },
    {
      id: 'the-kernel-goes-on',
      text: 'with nothing unread and SO_LINGER off or 1, the end of the process loses no byte that its kernel holds, kill -9 or not: all arrives at an application that reads on, then a FIN',
      source: 'socket(7), SO_LINGER: "it always lingers in the background"; __tcp_close() in net/ipv4/tcp.c',
      when: ({ linger, left }) => linger !== 'zero' && left === 'unsent',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'death-looks-orderly',
      text: 'to the other application the end of such a process looks like an orderly close: the end of the stream and no error',
      source: 'RFC 9293 §3.6: a FIN says that there is no more data, not why',
      when: ({ linger, left }) => linger !== 'zero' && left === 'unsent',
      holds: (facts) => facts['server.sawEnd'] && facts['server.errors'].length === 0,
    },
    {
      id: 'zero-resets',
      text: 'linger 0 is honoured by all five ways to end: a RST, and what had not been sent is lost',
      source: '__tcp_close() in net/ipv4/tcp.c looks at sk_lingertime alone: TCPAbortOnData',
      when: ({ linger }) => linger === 'zero',
      holds: (facts) =>
        is(facts['client.closedWith'], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        facts['client.delivered'] < heldBytes,
    },
    {
      id: 'unread-resets',
      text: 'data that the kernel holds unread resets the connection at once, though SO_LINGER is 1',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: TCPAbortOnClose. At once: less than half the linger',
      when: ({ left }) => left === 'unread',
      holds: (facts) =>
        is(facts['client.closedWith'], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts.exitMs < atOnceMs,
    },
  ],

  answer(outcomes) {
    const waiting = outcomes.filter(({ cell }) => cell.linger === 'seconds' && cell.left === 'unsent');
    const waited = waiting.filter(({ facts }) => facts.waited);
    const most = (chosen: typeof outcomes) => Math.round(largest(chosen.map(({ facts }) => facts.exitMs)));
    const others = waiting.filter((one) => !waited.includes(one));
    const sentences: string[] = [];
    if (waiting.length > 0)
      sentences.push(
        `With linger ${lingerSeconds} and data unsent, ${share(waited, waiting)} ways for a process to end waited ` +
          `(${waited.map(({ cell, facts }) => `${cell.ends}, ${Math.round(facts.exitMs)} ms`).join('; ') || 'none'})` +
          (others.length > 0
            ? `; ${others.map(({ cell }) => cell.ends).join(', ')} took up to ${most(others)} ms`
            : ''),
      );
    const kept = outcomes.filter(({ cell }) => cell.linger !== 'zero' && cell.left === 'unsent');
    const all = kept.filter(({ facts }) => facts['client.delivered'] === heldBytes);
    if (kept.length > 0)
      sentences.push(`without linger 0 and with nothing unread, every byte still arrived in ${share(all, kept)}`);
    const killed = outcomes.filter(({ cell }) => cell.ends === 'SIGKILL');
    const reset = killed.filter(({ facts }) => facts['client.closedWith'].includes('RST'));
    const reasons = [...new Set(reset.map(({ cell }) => (cell.left === 'unread' ? 'unread data' : 'linger 0')))];
    if (killed.length > 0)
      sentences.push(
        `kill -9 sent a RST in ${share(reset, killed)}${reasons.length > 0 ? `, with ${reasons.join(' or ')}` : ''}, else a FIN`,
      );
    return sentence(...sentences);
  },
});
