import { experiment, finding, is, kind, range, share } from 'lingerlab';

/** More than the receiver's kernel takes while its application does not read: the rest, and the FIN, wait in the sender's kernel. */
const heldBytes = 300_000;
const lingers = { off: 'off', '1': 1, 'minus-1': -1, 'int-max': 2 ** 31 - 1 } as const;
const lingerMs = 1000;
/** When the event of `meanwhile` comes: before a linger of 1 s expires, and after 2 s of a longer one. */
const meanwhileMs = { off: 400, '1': 400, 'minus-1': 2200, 'int-max': 2200 } as const;
/** How long a wait that nothing ends is looked at after a signal. */
const waitsOnMs = 500;
/** What a slot of the timer wheel, an eighth of the linger at most, and a busy machine may add. */
const lateMs = 1000;
/** An event that comes later than this cannot show that it ended a linger of 1 s early. */
const inTimeMs = 800;
/** TCP_DELACK_MIN is 40 ms; its timer counts from a tick that may be 10 ms old, at HZ=100. */
const delayedAckMs = 30;

interface Way {
  readonly linger: keyof typeof lingers;
  readonly by: string;
  readonly sent: string;
  readonly meanwhile: string;
}

/** Whether the call waits for the acknowledgement of what the other end has no room for. */
const waits = ({ linger, by, sent }: Way): boolean => linger !== 'off' && by !== 'shutdown' && sent === 'held';
const isCaught = ({ meanwhile }: Way): boolean => meanwhile === 'SIGUSR2' || meanwhile === 'SIGALRM';
const isFatal = ({ meanwhile }: Way): boolean => meanwhile === 'SIGTERM' || meanwhile === 'SIGKILL';
/** Whether close() waits in a thread that nothing disturbs. */
const isInThread = (cell: Way): boolean =>
  waits(cell) && cell.by === 'close-in-thread' && !isFatal(cell) && cell.meanwhile !== 'other-reads';
/** Whether nothing that the cell does ends the wait: the main thread takes a signal, and the linger lasts for years. */
const waitsOn = (cell: Way): boolean =>
  waits(cell) &&
  cell.linger !== '1' &&
  (cell.meanwhile === 'nothing' || (cell.by === 'close-in-thread' && isCaught(cell)));

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
    sent: ['nothing', 'byte', 'held'],
    meanwhile: ['nothing', 'other-reads', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGKILL'],
  },
  words: {
    linger: {
      text: 'SO_LINGER of the client, which closes first',
      values: {
        off: 'off, the default',
        1: 'on, 1 s',
        'minus-1': 'on, −1 s',
        'int-max': 'on, INT_MAX s (2,147,483,647)',
      },
    },
    by: {
      text: 'the call that closes',
      values: {
        destroy: "net's destroy(), in the main thread",
        'close-in-thread': "close(2) of the last descriptor, in a thread of libuv's pool",
        shutdown: 'shutdown(2) of the sending direction',
      },
    },
    sent: {
      text: 'what the client has written before its FIN',
      values: { nothing: 'nothing', byte: '1 byte', held: '300,000 bytes, which the server application does not read' },
    },
    meanwhile: {
      text: 'what happens while close() waits',
      values: {
        nothing: 'nothing',
        'other-reads': 'the server application begins to read',
        SIGUSR2: 'the client receives SIGUSR2, which it catches',
        SIGALRM: 'the client receives SIGALRM, which it catches',
        SIGTERM: 'SIGTERM ends the client',
        SIGKILL: 'SIGKILL ends the client',
      },
    },
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
    closed: kind.outcome({ label: 'result of the call', text: 'what the call that closes returned' }),
    waitMs: kind.ms({
      label: 'answered after',
      text: 'from the call until the client process has answered, or is gone',
    }),
    stillWaits: kind.boolean({
      text: 'with a linger of years that nothing ends: close() still waited when the server began to read',
    }),
    afterMs: kind.ms({
      text: 'the same, from the moment when the server was to read or the signal was sent; with SO_LINGER 1 only where that came in time',
    }),
  },
  shows: ['client.closedWith', 'closed', 'client.closeMs', 'client.stallMs', 'client.delivered', 'waitMs'],

  async scenario({ client, server, until, rest, note, noteUnknown }, cell) {
    const { linger, by, sent, meanwhile } = cell;
    const [near, far] = await client.connect(await server.listen());
    await near.set('SO_LINGER', lingers[linger]);
    if (sent === 'byte') await near.write(1);
    if (sent === 'held') await near.fill(far, { bytes: heldBytes });
    if (isCaught(cell)) await client.survive(meanwhile as 'SIGUSR2' | 'SIGALRM');
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
      if (waitsOn(cell)) await rest(waitsOnMs / 1000);
      else await closing;
      // on a busy machine the linger itself may have expired first
      if (waitsOn(cell)) note('stillWaits', ended === began);
      else if (linger !== '1' || happened - began < inTimeMs) note('afterMs', ended - happened);
      else noteUnknown('afterMs', 'the machine was so busy that SO_LINGER may have expired before');
    } else if (waitsOn(cell)) {
      await rest(meanwhileMs[linger] / 1000);
      note('stillWaits', ended === began);
    }
    if (!waitsOn(cell)) await closing;

    await far.resume();
    await closing;
    await far.ended();
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), far.gone()]);
  },

  claims: [
    {
      id: 'waits-its-time',
      text: "while the other end's window is closed, close() with SO_LINGER 1 waits its full second, on net's non-blocking descriptor, too, and then returns 0",
      source: 'sk_stream_wait_close() in net/core/stream.c. Tolerance: a slot of the timer wheel, and a busy machine',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && sent === 'held' && by !== 'shutdown' && meanwhile === 'nothing',
      holds: (facts) =>
        facts.closed === 'ok' && facts['client.closeMs'] >= lingerMs && facts['client.closeMs'] < lingerMs + lateMs,
    },
    {
      id: 'only-close-waits',
      text: 'shutdown() does not wait, and close() with SO_LINGER off does not wait',
      source: 'inet_shutdown() and inet_release() in net/ipv4/af_inet.c; tolerance: half the linger',
      when: ({ linger, by }) => linger === 'off' || by === 'shutdown',
      holds: (facts) => facts['client.closeMs'] < lingerMs / 2,
    },
    {
      id: 'acknowledgement-ends-it',
      text: 'the wait ends when the other application has read and its kernel has acknowledged the FIN',
      source:
        'sk_stream_closing() in net/core/stream.c; tolerance: half a second from when the other end reads, a busy machine',
      when: (cell) => waits(cell) && cell.meanwhile === 'other-reads',
      holds: (facts, { linger }) =>
        facts['client.closeMs'] >= meanwhileMs[linger] &&
        facts.afterMs < lateMs / 2 &&
        (linger !== '1' || facts['client.closeMs'] < lingerMs),
    },
    {
      id: 'signal-ends-it',
      text: 'SIGUSR2 or SIGALRM that the process catches ends the wait early, and close() still returns 0',
      source:
        'sk_stream_wait_close() in net/core/stream.c: signal_pending(); tolerance: half a second from the signal, a busy machine',
      when: (cell) => waits(cell) && cell.by === 'destroy' && isCaught(cell),
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
      when: (cell) => waits(cell) && isFatal(cell),
      holds: (facts) => facts.closed === 'process ended' && facts.afterMs < lingerMs / 2,
    },
    {
      id: 'negative-waits-on',
      text: 'SO_LINGER −1 and INT_MAX do not mean off: close() still waits after 2.2 s, until the other application reads or a signal comes',
      source: 'sk_setsockopt() in net/core/sock.c: MAX_SCHEDULE_TIMEOUT',
      // of a close() that a signal ended with its process, nobody learns how long it took
      when: (cell) => waits(cell) && cell.linger !== '1' && !isFatal(cell),
      holds: (facts) => facts['client.closeMs'] >= meanwhileMs['minus-1'],
    },
    {
      id: 'nothing-is-lost',
      text: 'however the wait ends, and without a wait, the kernel goes on: every byte arrives, then a FIN',
      source: '__tcp_close() in net/ipv4/tcp.c: what is left is an orphan in FIN-WAIT-1',
      when: ({ sent }) => sent === 'held',
      holds: (facts) => facts['client.delivered'] === heldBytes && is(facts['client.closedWith'], 'FIN'),
    },
    {
      id: 'a-thread-keeps-the-loop-free',
      text: "close(2) in a thread of libuv's pool waits there: the event loop goes on, and SIGUSR2, which the main thread catches, does not end the wait",
      source: 'complete_signal() in kernel/signal.c: the main thread, if it wants it. Tolerance: half the linger',
      when: isInThread,
      holds: (facts) => facts['client.closeMs'] >= lingerMs && facts['client.stallMs'] < lingerMs / 2,
    },
    {
      id: 'main-thread-freezes',
      text: 'destroy() with SO_LINGER 1 freezes the event loop while close() waits',
      source: 'close(2) is a blocking call, whatever O_NONBLOCK says: inet_release() in net/ipv4/af_inet.c',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && by === 'destroy' && sent === 'held' && meanwhile === 'nothing',
      holds: (facts) => facts['client.stallMs'] >= lingerMs * 0.9,
    },
    {
      id: 'delayed-ack-is-the-latency',
      text: 'after a write of one byte that the other application reads and does not answer, close() with SO_LINGER 1 waits for the delayed acknowledgement, 40 ms',
      source:
        'TCP_DELACK_MIN in include/net/tcp.h, HZ / 25; tolerance: a tick at HZ=100 below, a slot and a busy machine above',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && by === 'destroy' && sent === 'byte' && meanwhile === 'nothing',
      holds: (facts) => facts['client.closeMs'] >= delayedAckMs && facts['client.closeMs'] < lingerMs / 2,
    },
    {
      id: 'without-data-a-tick',
      text: 'without data before the FIN, close() with SO_LINGER 1 takes less time than a delayed acknowledgement',
      source: 'measured: the FIN is acknowledged within a tick; tolerance: less than any delayed acknowledgement',
      when: ({ linger, by, sent, meanwhile }) =>
        linger === '1' && by === 'destroy' && sent === 'nothing' && meanwhile === 'nothing',
      holds: (facts) => facts['client.closeMs'] < delayedAckMs,
    },
  ],

  guide: [
    {
      about: { 'close() blocks': 'look at' },
      claim: 'acknowledgement-ends-it',
      text: 'The wait of close() ends when the other application has read and its kernel has acknowledged the FIN.',
    },
    {
      about: { SO_LINGER: 'risks', 'close() blocks': 'look at' },
      claim: 'negative-waits-on',
      text: 'SO_LINGER −1 and INT_MAX do not mean off: close() still waits after 2.2 s.',
    },
    {
      about: { SO_LINGER: 'costs', 'close() blocks': 'look at' },
      claim: 'delayed-ack-is-the-latency',
      number: (outcomes) => range(outcomes, ({ facts }) => facts['client.closeMs'], { unit: 'ms' }),
      text: 'After a write of one byte that the other application reads and does not answer, close() with SO_LINGER 1 waits {number} for the delayed ACK.',
    },
    {
      about: { 'close() blocks': 'helps' },
      claim: 'a-thread-keeps-the-loop-free',
      text: "close(2) in a thread of libuv's pool waits there: the event loop goes on.",
    },
    {
      about: { 'close() blocks': 'helps' },
      claim: 'only-close-waits',
      text: 'shutdown() does not wait, and close() with SO_LINGER off does not wait.',
    },
    {
      about: { 'close() blocks': 'cannot help' },
      claim: 'waits-its-time',
      when: ({ by }) => by === 'destroy',
      text: "A non-blocking descriptor does not help: destroy() with SO_LINGER 1 waits its full second while the other end's window is closed.",
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const closeMs = ({ facts }: Outcomes[number]) => facts['client.closeMs'];
    const stallMs = ({ facts }: Outcomes[number]) => facts['client.stallMs'];
    const stall = (outcome: Outcomes[number]) => stallMs(outcome) / 1000;
    const isInMain = ({ cell }: Outcomes[number]) => cell.linger === '1' && cell.by === 'destroy';
    const held = outcomes.filter(({ cell }) => cell.sent === 'held');
    const of = (...meanwhile: readonly Outcomes[number]['cell']['meanwhile'][]) =>
      held.filter((outcome) => isInMain(outcome) && meanwhile.includes(outcome.cell.meanwhile));
    const isEarly = (outcome: Outcomes[number]) => closeMs(outcome) < lingerMs;
    const alone = of('nothing');
    const read = of('other-reads');
    const signalled = of('SIGUSR2', 'SIGALRM');
    const interrupted = signalled.filter((outcome) => isEarly(outcome) && outcome.facts.closed === 'ok');
    const endless = outcomes.filter(({ cell }) => waits(cell) && cell.linger !== '1' && !isFatal(cell));
    const beyond = endless.filter((outcome) => closeMs(outcome) >= meanwhileMs['minus-1']);
    const byte = outcomes.filter(
      (outcome) => isInMain(outcome) && outcome.cell.sent === 'byte' && outcome.cell.meanwhile === 'nothing',
    );
    const threads = outcomes.filter(({ cell }) => isInThread(cell));
    const whole = held.filter(({ facts }) => facts['client.delivered'] === heldBytes);
    const delayed = byte.length > 0 && byte.every((outcome) => closeMs(outcome) >= delayedAckMs);
    const ends = [
      read.length > 0 && read.every(isEarly) && 'the ACK of the FIN',
      signalled.length > 0 && interrupted.length === signalled.length && 'a signal',
      alone.length > 0 && !alone.some(isEarly) && 'its timeout',
    ].filter((end) => end !== false);
    const until = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(ends);
    return {
      headline:
        read.length + signalled.length + alone.length > 0 &&
        (ends.length > 0
          ? `SO_LINGER 1 blocks close() until ${until}.`
          : 'SO_LINGER 1 does not block close() as long as expected.'),
      findings: [
        alone.length > 0 &&
          finding(
            range(alone, stall, { digits: 2, unit: 's' }),
            `destroy() with SO_LINGER 1 freezes the event loop for ${range(alone, stall, { digits: 2, unit: 's' })} while the other end's window is closed.`,
          ),
        finding(
          share(interrupted, signalled),
          'A signal that the thread in close() catches ends the wait early, and close() still returns 0.',
        ),
        finding(
          share(beyond, endless),
          `SO_LINGER −1 and INT_MAX do not mean off: close() still waits after ${meanwhileMs['minus-1'] / 1000} s.`,
        ),
        byte.length > 0 &&
          finding(
            range(byte, closeMs, { unit: 'ms' }),
            `After a write of one byte, close() with SO_LINGER 1 blocks for ${range(byte, closeMs, { unit: 'ms' })} on a healthy connection${delayed ? ': the ACK is delayed' : ''}.`,
          ),
        threads.length > 0 &&
          finding(
            range(threads, stallMs, { unit: 'ms' }),
            threads.some(isEarly)
              ? `close(2) in another thread stalls the event loop for ${range(threads, stallMs, { unit: 'ms' })}.`
              : `close(2) in another thread waits its full time, too, but the event loop goes on: the loop stalls for ${range(threads, stallMs, { unit: 'ms' })} only.`,
          ),
        finding(share(whole, held), 'Every byte arrives, whichever way the wait ends: the kernel goes on.'),
      ],
    };
  },
});
