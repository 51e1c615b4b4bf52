import { experiment, finding, is, kind, range, sentence, share } from 'lingerlab';

/** More than the receiver's kernel takes while its application does not read: the rest, and the FIN, wait in the sender's kernel. */
const heldBytes = 300_000;
const lingerSeconds = 1;
/** Half of the linger: without it an exit takes some 10 to 100 ms. */
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
    ends: ['process.exit', 'exception', 'SIGTERM', 'SIGKILL', 'natural'],
    linger: ['off', 'zero', 'seconds'],
    left: ['unsent', 'unread'],
  },
  words: {
    ends: {
      text: 'how the process ends',
      values: {
        'process.exit': 'process.exit()',
        exception: 'an uncaught exception',
        SIGTERM: 'SIGTERM',
        SIGKILL: 'SIGKILL, kill -9',
        natural: 'its event loop has nothing left to do, as after unref() of each socket',
      },
    },
    linger: {
      text: 'SO_LINGER of its open socket',
      values: { off: 'off, the default', zero: 'on, 0 s', seconds: `on, ${lingerSeconds} s` },
    },
    left: {
      text: "data left in that process's kernel",
      values: {
        unsent: 'written and not sent: the other application does not read',
        unread: 'received and not read',
      },
    },
  },
  only: ({ linger, left }) => left === 'unsent' || linger === 'seconds',
  seconds: ({ ends, linger, left }) =>
    ends === 'natural' && linger === 'seconds' && left === 'unsent' ? lingerSeconds + 0.4 : 0.4,
  measures: {
    exit: kind.outcome({ text: 'how the process ended' }),
    waited: kind.boolean({
      label: 'waited for linger',
      text: 'whether the end of the process took as long as the linger or longer',
    }),
    exitMs: kind.ms({
      label: 'gone after',
      text: "from the process's last step, or the signal, until the process was gone",
    }),
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
      text: 'process.exit(), an uncaught exception, SIGTERM and SIGKILL do not wait for SO_LINGER 1: the process is gone at once, although data is unsent or unread',
      source: 'inet_release() in net/ipv4/af_inet.c: no timeout with PF_EXITING. At once: less than half the linger',
      when: ({ ends, linger }) => ends !== 'natural' && linger === 'seconds',
      holds: (facts) => !facts.waited && facts.exitMs < atOnceMs,
    },
    {
      id: 'natural-end-waits',
      text: 'with SO_LINGER 1 and unsent data, a process whose event loop has nothing left to do waits for the full 1 s: Node closes its sockets before the exit',
      source:
        'Environment::CleanupHandles() in Node src/env.cc; inet_release() in net/ipv4/af_inet.c. Tolerance: a slot of the timer wheel, and the harness',
      when: ({ ends, linger, left }) => ends === 'natural' && linger === 'seconds' && left === 'unsent',
      holds: (facts) => facts.waited && facts.exitMs < lingerSeconds * 1000 + lateMs,
    },
    {
      id: 'the-kernel-goes-on',
      text: 'with SO_LINGER off or 1 and nothing unread, the end of the process loses no data, even by kill -9: every byte arrives at an application that reads, then a FIN',
      source: 'socket(7), SO_LINGER: "it always lingers in the background"; __tcp_close() in net/ipv4/tcp.c',
      when: ({ linger, left }) => linger !== 'zero' && left === 'unsent',
      holds: (facts) => is(facts['client.closedWith'], 'FIN') && facts['client.delivered'] === heldBytes,
    },
    {
      id: 'death-looks-orderly',
      text: 'with SO_LINGER off or 1 and nothing unread, the other application reads the end of the stream and no error, as after an orderly close, however the process ends',
      source: 'RFC 9293 §3.6: a FIN says that there is no more data, not why',
      when: ({ linger, left }) => linger !== 'zero' && left === 'unsent',
      holds: (facts) => facts['server.sawEnd'] && facts['server.errors'].length === 0,
    },
    {
      id: 'zero-resets',
      text: 'with SO_LINGER 0 all five ways to end send a RST, and unsent data is lost',
      source: '__tcp_close() in net/ipv4/tcp.c looks at sk_lingertime alone: TCPAbortOnData',
      when: ({ linger, left }) => linger === 'zero' && left === 'unsent',
      holds: (facts) =>
        is(facts['client.closedWith'], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnData'] === 1 &&
        facts['client.delivered'] < heldBytes,
    },
    {
      id: 'unread-resets',
      text: 'if the kernel holds unread data when the process ends, it resets the connection at once, with SO_LINGER 1, too',
      source: 'RFC 2525 §2.17; __tcp_close() in net/ipv4/tcp.c: TCPAbortOnClose. At once: less than half the linger',
      when: ({ left }) => left === 'unread',
      holds: (facts) =>
        is(facts['client.closedWith'], 'RST') &&
        facts['counters.lab.TcpExt.TCPAbortOnClose'] === 1 &&
        facts.exitMs < atOnceMs,
    },
  ],

  guide: [
    {
      about: { SO_LINGER: 'measured' },
      claim: 'exiting-does-not-wait',
      text: 'process.exit(), an uncaught exception, SIGTERM and SIGKILL do not wait for SO_LINGER 1, though data is unsent or unread.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const of = (linger: 'zero' | 'seconds', left: 'unsent' | 'unread') =>
      outcomes.filter(({ cell }) => cell.linger === linger && cell.left === left);
    const abrupt = of('seconds', 'unsent').filter(({ cell }) => cell.ends !== 'natural');
    const ended = outcomes.filter(({ cell }) => cell.linger === 'seconds' && cell.ends !== 'natural');
    const natural = of('seconds', 'unsent').filter(({ cell }) => cell.ends === 'natural');
    const [zero, unread] = [of('zero', 'unsent'), of('seconds', 'unread')];
    const unsent = outcomes.filter(({ cell }) => cell.linger !== 'zero' && cell.left === 'unsent');
    const seconds = ({ facts }: Outcomes[number]) => facts.exitMs / 1000;
    const waited = (among: Outcomes) => among.filter(({ facts }) => facts.waited);
    const reset = (among: Outcomes) => among.filter(({ facts }) => is(facts['client.closedWith'], 'RST'));
    const arrived = unsent.filter(({ facts }) => facts['client.delivered'] === heldBytes);
    const cut = reset(zero).filter(({ facts }) => facts['client.delivered'] < heldBytes);
    const orderly = unsent.filter(({ facts }) => facts['server.sawEnd'] && facts['server.errors'].length === 0);
    const waiting =
      abrupt.length > 0 &&
      (waited(abrupt).length === 0
        ? `a kill ignores SO_LINGER ${lingerSeconds}`
        : `a positive SO_LINGER delays ${share(waited(abrupt), abrupt)} crashes, kills and exits`);
    const delivering =
      unsent.length > 0 &&
      (arrived.length === unsent.length
        ? `with nothing unread, ${cut.length > 0 ? 'only SO_LINGER 0 loses data' : 'no unsent data is lost'}`
        : 'unsent data can be lost');
    return {
      headline: (waiting || delivering) && sentence(waiting, delivering),
      findings: [
        finding(
          share(arrived, unsent),
          'With SO_LINGER off or positive and nothing unread, every unsent byte arrives, whatever ends the process.',
        ),
        finding(share(cut, zero), 'With SO_LINGER 0 the end of the process sends a RST, and unsent data is lost.'),
        finding(
          share(reset(unread), unread),
          'With data left unread in the kernel, the end of the process sends a RST, although SO_LINGER is positive.',
        ),
        finding(
          share(orderly, unsent),
          'With SO_LINGER off or positive and nothing unread, the other application reads a normal end of the stream, whatever ends the process.',
        ),
        natural.length > 0 &&
          finding(
            range(natural, seconds, { digits: 1, unit: 's' }),
            waited(natural).length > 0
              ? `With SO_LINGER ${lingerSeconds} and unsent data, a process whose event loop is empty exits after ${range(natural, seconds, { digits: 1, unit: 's' })}: Node closes its sockets, and close() waits ${lingerSeconds} s.`
              : `A process whose event loop is empty exits after ${range(natural, seconds, { digits: 1, unit: 's' })}: it does not wait for SO_LINGER ${lingerSeconds}.`,
          ),
        ended.length > 0 &&
          finding(
            range(ended, ({ facts }) => facts.exitMs, { unit: 'ms' }),
            `With SO_LINGER ${lingerSeconds} and unsent or unread data, process.exit(), exceptions and signals end the process after ${range(ended, ({ facts }) => facts.exitMs, { unit: 'ms' })}.`,
          ),
      ],
    };
  },
});
