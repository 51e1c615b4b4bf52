import { experiment, is, kind, largest, sentence, share } from 'lingerlab';

/** More than the receiver's kernel takes without its application: the rest, and the FIN, wait in the sender's. */
const heldBytes = 300_000;
const lingers = { off: 'off', '1': 1, 'minus-1': -1, 'int-max': 2 ** 31 - 1 } as const;
const lingerMs = 1000;
/** When something happens to a close that waits: before a linger of 1 s is over, or after. */
const meanwhileMs = { off: 400, '1': 400, 'minus-1': 2200, 'int-max': 2200 } as const;
/** What a slot of the timer wheel, an eighth of the linger at most, and a busy machine may add. */
const lateMs = 1000;
/** What is to end a linger of 1 s early comes before this, or says nothing. */
const inTimeMs = 800;
/** TCP_DELACK_MIN is 40 ms; its timer counts from a tick that may be 10 ms old, at HZ=100. */
const delayedAckMs = 30;

export default experiment({
  id: 'linger-wait',
  question: 'How long does close() wait with a positive SO_LINGER, and what ends the wait?',
  tags: ['SO_LINGER', 'blocking close', 'close(2)', 'signal', 'event loop', 'delayed ACK'],
  symptoms: [
    'close() blocks',
    'close() hangs',
    'event loop freezes on close',
    'process does not react to SIGTERM in close()',
  ],
  factors: {
    linger: ['off', '1', 'minus-1', 'int-max'],
    by: ['destroy', 'close-in-thread', 'shutdown'],
    // before the FIN: nothing, a byte, more than the other end takes
    sent: ['nothing', 'byte', 'held'],
    meanwhile: ['nothing', 'other-reads', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGKILL'],
  },
  only({ linger, by, sent, meanwhile }) {
    if (sent !== 'held') return linger === '1' && by === 'destroy' && meanwhile === 'nothing';
    if (linger === 'off' || by === 'shutdown')
      return (
        by !== 'close-in-thread' &&
        linger !== 'minus-1' &&
        linger !== 'int-max' &&
        meanwhile === 'nothing' &&
        (linger === 'off') === (by === 'destroy')
      );
    if (by === 'close-in-thread') return linger === '1' && (meanwhile === 'nothing' || meanwhile === 'SIGUSR2');
    return linger === '1' || meanwhile === 'other-reads' || meanwhile === 'SIGUSR2';
  },
  seconds: ({ linger, sent }) => (sent === 'held' && linger !== 'off' ? (linger === '1' ? 1.4 : 2.6) : 0.4),
  quiet: ({ sent }) => sent !== 'held',
  measures: {
    closed: kind.outcome({ text: 'what closing answered' }),
    waitMs: kind.ms({ text: 'until its answer had come from its process, or that was gone' }),
    afterMs: kind.ms({
      text: 'the same, from when the other end was to read or the signal was sent; of linger 1, where that was in time',
    }),
  },
  shows: ['client.closedWith', 'closed', 'client.closeMs', 'client.stallMs', 'client.delivered', 'waitMs'],

  async scenario({ client, server, until, rest, note }, { linger, by, sent, meanwhile }) {
    const [near, far] = await client.connect(await server.listen());
    await near.set('SO_LINGER', lingers[linger]);
    if (sent === 'byte') await near.write(1);
    if (sent === 'held') await near.fill(far, { bytes: heldBytes });
    if (meanwhile === 'SIGUSR2' || meanwhile === 'SIGALRM') await client.survive(meanwhile);
    let close = () => near.close('destroy');
    if (by === 'shutdown') close = () => near.shutdown('WR');
    if (by === 'close-in-thread') {
      const duplicate = await near.dup();
      await near.close('destroy');
      close = () => duplicate.close('pool');
    }

    const began = performance.now();
    let ended = began;
    const closing = close()
      .answer()
      .then(
        (answer) => answer.outcome,
        () => 'process ended',
      )
      .then((closed) => {
        note('closed', closed);
        ended = performance.now();
        note('waitMs', ended - began);
      });
    if (meanwhile !== 'nothing') {
      await until(near, 'FIN-WAIT-1');
      await rest(meanwhileMs[linger] / 1000);
      const happened = performance.now();
      if (meanwhile === 'other-reads') await far.resume();
      else if (meanwhile === 'SIGTERM' || meanwhile === 'SIGKILL') await client.end(meanwhile);
      else await client.signal(meanwhile);
      await closing;
      // on a machine that was busier the linger itself may have ended the wait
      if (linger !== '1' || happened - began < inTimeMs) note('afterMs', ended - happened);
    }
    await closing;

    await far.resume();
    await far.ended();
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), far.gone()]);
  },

  claims: [
    {
      id: 'waits-its-time',
      text: "where the other end does not take the data, close() waits its full 1 s, on net's non-blocking descriptor too, and then answers 0",
      source: 'sk_stream_wait_close() in net/core/stream.c. Tolerance: a slot of the timer wheel, and a busy machine',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && sent === 'held' && by !== 'shutdown' && meanwhile === 'nothing',
      holds: (facts) =>
        facts.closed === 'ok' && facts['client.closeMs'] >= lingerMs && facts['client.closeMs'] < lingerMs + lateMs,
    },
    {
      id: 'only-close-waits',
      text: 'shutdown() does not linger, nor does close() with SO_LINGER off',
      source: 'inet_shutdown() and inet_release() in net/ipv4/af_inet.c; tolerance: half the linger',
      when: ({ linger, by }) => linger === 'off' || by === 'shutdown',
      holds: (facts) => facts['client.closeMs'] < lingerMs / 2,
    },
    {
      id: 'acknowledgement-ends-it',
      text: 'the wait ends when the other end has taken all and its kernel has acknowledged the FIN',
      source:
        'sk_stream_closing() in net/core/stream.c; tolerance: half a second from when the other end reads, a busy machine',
      when: ({ meanwhile }) => meanwhile === 'other-reads',
      holds: (facts, { linger }) =>
        facts['client.closeMs'] >= meanwhileMs[linger] &&
        facts.afterMs < lateMs / 2 &&
        (linger !== '1' || facts['client.closeMs'] < lingerMs),
    },
    {
      id: 'signal-ends-it',
      text: 'SIGUSR2 or SIGALRM that the process catches ends the wait early: close() answers 0 all the same',
      source:
        'sk_stream_wait_close() in net/core/stream.c: signal_pending(); tolerance: half a second from the signal, a busy machine',
      when: ({ by, meanwhile }) => by === 'destroy' && (meanwhile === 'SIGUSR2' || meanwhile === 'SIGALRM'),
      holds: (facts, { linger }) =>
        facts.closed === 'ok' &&
        facts['client.closeMs'] >= meanwhileMs[linger] &&
        facts.afterMs < lateMs / 2 &&
        (linger !== '1' || facts['client.closeMs'] < lingerMs),
    },
    {
      id: 'fatal-signal-ends-it',
      text: 'SIGTERM and SIGKILL end the process in the middle of the wait',
      source:
        'sk_stream_wait_close() in net/core/stream.c: signal_pending(); tolerance: half the linger from the signal',
      when: ({ meanwhile }) => meanwhile === 'SIGTERM' || meanwhile === 'SIGKILL',
      holds: (facts) => facts.closed === 'process ended' && facts.afterMs < lingerMs / 2,
    },
    {
      id: 'negative-waits-on',
      text: 'linger -1 and INT_MAX do not mean off: close() still waits after 2.2 s, until the other end reads or a signal comes',
      source: 'sk_setsockopt() in net/core/sock.c: MAX_SCHEDULE_TIMEOUT',
      when: ({ linger }) => linger === 'minus-1' || linger === 'int-max',
      holds: (facts) => facts['client.closeMs'] >= meanwhileMs['minus-1'],
    },
    {
      id: 'nothing-is-lost',
      text: 'whether the wait ended by time, by the other end or by a signal, or there was none, the kernel goes on: every byte arrives, and a FIN',
      source: '__tcp_close() in net/ipv4/tcp.c: what is left is an orphan in FIN-WAIT-1',
      when: ({ sent }) => sent === 'held',
      holds: (facts) => facts['client.delivered'] === heldBytes && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'a-thread-keeps-the-loop-free',
      text: "a duplicate closed in a thread of libuv's pool lingers there: the event loop goes on, and SIGUSR2, which it catches, does not end the wait",
      source: 'complete_signal() in kernel/signal.c: the main thread, if it wants it. Tolerance: half the linger',
      when: ({ by }) => by === 'close-in-thread',
      holds: (facts) => facts['client.closeMs'] >= lingerMs && facts['client.stallMs'] < lingerMs / 2,
    },
    {
      id: 'main-thread-freezes',
      text: 'destroy() with linger 1 freezes the event loop for as long as close() waits',
      source: 'close(2) is a blocking call, whatever O_NONBLOCK says: inet_release() in net/ipv4/af_inet.c',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && by === 'destroy' && sent === 'held' && meanwhile === 'nothing',
      holds: (facts) => facts['client.stallMs'] >= lingerMs * 0.9,
    },
    {
      id: 'delayed-ack-is-the-latency',
      text: 'behind one byte, read by an application that sends nothing, a lingering close() takes a delayed acknowledgement, 40 ms',
      source:
        'TCP_DELACK_MIN in include/net/tcp.h, HZ / 25; tolerance: a tick at HZ=100 below, a slot and a busy machine above',
      when: ({ sent }) => sent === 'byte',
      holds: (facts) => facts['client.closeMs'] >= delayedAckMs && facts['client.closeMs'] < lingerMs / 2,
    },
    {
      id: 'without-data-a-tick',
      text: 'without data before the FIN, a lingering close() takes less than a delayed acknowledgement',
      source: 'measured: the FIN is acknowledged within a tick; tolerance: less than any delayed acknowledgement',
      when: ({ sent }) => sent === 'nothing',
      holds: (facts) => facts['client.closeMs'] < delayedAckMs,
    },
  ],

  answer(outcomes) {
    const time = (ms: number) =>
      ms >= 1000
        ? `${(ms / 1000).toPrecision(3)} s`
        : ms >= 1
          ? `${ms.toPrecision(3)} ms`
          : `${(ms * 1000).toPrecision(3)} µs`;
    const most = (values: readonly number[]) => time(largest(values));
    const of = (asked: Partial<(typeof outcomes)[number]['cell']>) =>
      outcomes.filter(({ cell }) =>
        Object.entries(asked).every(([name, value]) => cell[name as keyof typeof cell] === value),
      );
    const blocked = { linger: '1', by: 'destroy', sent: 'held' } as const;
    const signalled = [...of({ ...blocked, meanwhile: 'SIGUSR2' }), ...of({ ...blocked, meanwhile: 'SIGALRM' })];
    const endless = [...of({ linger: 'minus-1' }), ...of({ linger: 'int-max' })];
    const beyond = endless.filter(({ facts }) => facts['client.closeMs'] >= meanwhileMs['minus-1']);
    const threads = of({ by: 'close-in-thread' });
    const early = signalled.filter(({ facts }) => facts['client.closeMs'] < lingerMs);
    const held = (asked: Parameters<typeof of>[0], where: string): string[] => {
      const chosen = of(asked);
      return chosen.length > 0 ? [`for ${most(chosen.map(({ facts }) => facts['client.closeMs']))} ${where}`] : [];
    };
    const times = [
      ...held({ ...blocked, meanwhile: 'nothing' }, 'where the other end took nothing'),
      ...held({ sent: 'byte' }, 'behind one byte on a healthy connection'),
      ...held({ sent: 'nothing' }, 'behind nothing'),
    ];
    return sentence(
      times.length > 0 && `with linger 1 close() held its thread ${times.join(', ')}`,
      signalled.length > 0 && `a caught signal ended the wait early in ${share(early, signalled)} closes`,
      endless.length > 0 &&
        `linger -1 and INT_MAX do not mean off: their close() still waited after ${time(meanwhileMs['minus-1'])} in ${share(beyond, endless)}`,
      threads.length > 0 &&
        `closed in another thread it stalled the event loop for at most ${most(threads.map(({ facts }) => facts['client.stallMs']))}`,
    );
  },
});
