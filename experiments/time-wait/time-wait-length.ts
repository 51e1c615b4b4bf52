import { experiment, finding, kind, largest, least, range, share } from 'lingerlab';

/** TCP_TIMEWAIT_LEN in include/net/tcp.h. */
const length = 60;
/** ss prints whole seconds, cut off: up to one is missing. */
const printed = 1;
/** What the look at its end may add on a busy machine, and a sample of ss between its beginning and its first look. */
const seenLate = 0.5;

const spread = (seconds: readonly number[]) => largest(seconds) - least(seconds);

export default experiment({
  id: 'time-wait-length',
  question: 'How long does TIME-WAIT last, and what can shorten it?',
  tags: ['TIME-WAIT', '2MSL', 'tcp_fin_timeout', '60 s', 'timer wheel', 'TCP_TIMEWAIT_LEN'],
  symptoms: [
    'socket stays in TIME_WAIT',
    'how long does TIME_WAIT last',
    'shorten TIME_WAIT',
    'reduce TIME_WAIT timeout',
    'change TIME_WAIT from 60 seconds',
  ],
  factors: { finTimeout: [60, 3], data: ['none', 'exchanged'], family: [4, 6] },
  words: {
    finTimeout: { text: 'net.ipv4.tcp_fin_timeout, s', values: { 60: '60, the default', 3: '3, shorter' } },
    data: { text: 'what was sent before the close', values: { none: 'nothing', exchanged: '1000 bytes each way' } },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  sysctls: ({ finTimeout }) => ({ 'net.ipv4.tcp_fin_timeout': finTimeout }),
  seconds: 64,
  measures: {
    slot: kind.seconds({
      text: "one slot of the kernel's timer wheel for 60 s: how late that timer may be, never early",
    }),
  },
  shows: ['timeWait.seconds', 'slot', 'timeWait.timer', 'timeWait.endedBy', 'timeWait.holder'],

  async scenario({ client, server, closeInTurn, until, timerSlot, note }, { data, family }) {
    note('slot', timerSlot(length));
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    if (data === 'exchanged') {
      await near.write(1000);
      await far.received(1000);
      await far.write(1000);
      await near.received(1000);
    }
    await closeInTurn(near, far, 'end');
    await until(near, 'CLOSED');
  },

  claims: [
    {
      id: 'a-minute',
      text: 'TIME-WAIT lasts 60 s, and up to one slot of the timer wheel longer',
      source:
        "TCP_TIMEWAIT_LEN in include/net/tcp.h; RFC 9293 §3.6.1, MUST-13, asks for twice the maximum segment lifetime. Tolerance: this kernel's slot, kernel/time/timer.c, and 0.5 s to see it on a busy machine",
      holds: (facts) =>
        facts['timeWait.seconds'] >= length && facts['timeWait.seconds'] <= length + facts.slot + seenLate,
    },
    {
      id: 'ends-by-timer',
      text: 'its own timer ends TIME-WAIT',
      source: 'tw_timer_handler() in net/ipv4/inet_timewait_sock.c',
      holds: (facts) => facts['timeWait.endedBy'] === 'timer',
    },
    {
      id: 'timer-says-so',
      text: 'ss shows a timer that was set for 60 s, with tcp_fin_timeout 60 and 3: the remaining time that ss prints (whole seconds) plus the time already passed is 59 to 60 s',
      source:
        'inet_twsk_schedule() in net/ipv4/inet_timewait_sock.c; print_ms_timer() in iproute2, misc/ss.c, of ss -o',
      holds: (facts) =>
        facts['timeWait.timer'] >= length - printed - seenLate && facts['timeWait.timer'] <= length + seenLate,
    },
  ],
  across: [
    {
      id: 'fin-timeout-is-not-it',
      text: "tcp_fin_timeout does not shorten TIME-WAIT: with 60 and with 3 its lengths differ by at most a slot of the kernel's timer wheel",
      source: 'tcp(7), tcp_fin_timeout; tcp_time_wait() in net/ipv4/tcp_minisocks.c',
      holds: (outcomes) =>
        new Set(outcomes.map(({ cell }) => cell.finTimeout)).size < 2
          ? undefined
          : spread(outcomes.map(({ facts }) => facts['timeWait.seconds'])) <=
            largest(outcomes.map(({ facts }) => facts.slot)) + seenLate,
    },
  ],
  guide: [
    {
      about: { 'thousands of TIME-WAIT': 'look at', 'closing order': 'costs' },
      claim: 'a-minute',
      number: (outcomes) => range(outcomes, ({ facts }) => facts['timeWait.seconds'], { digits: 1, unit: 's' }),
      text: 'TIME-WAIT lasts {number}: 60 s, and up to one slot of the timer wheel.',
    },
    {
      id: 'fin-timeout-changes-nothing',
      about: { tcp_fin_timeout: 'measured', 'thousands of TIME-WAIT': 'cannot help' },
      claim: 'a-minute',
      when: ({ finTimeout }) => finTimeout === 3,
      number: (outcomes) => range(outcomes, ({ facts }) => facts['timeWait.seconds'], { digits: 1, unit: 's' }),
      text: 'With tcp_fin_timeout 3, TIME-WAIT lasts {number} all the same: 60 s, and up to one slot of the timer wheel.',
    },
  ],

  answer(outcomes) {
    const seconds = ({ facts }: (typeof outcomes)[number]) => facts['timeWait.seconds'];
    const mean = (of: typeof outcomes) => of.reduce((sum, outcome) => sum + seconds(outcome), 0) / of.length;
    const of = (finTimeout: number) => outcomes.filter(({ cell }) => cell.finTimeout === finTimeout);
    const [usual, short] = [of(60), of(3)];
    const early = outcomes.filter((outcome) => seconds(outcome) < length);
    const ownTimer = outcomes.filter(({ facts }) => facts['timeWait.endedBy'] === 'timer');
    const lasted = range(outcomes, seconds, { digits: 1, unit: 's' });
    const apart = Math.abs(mean(usual) - mean(short));
    const isCompared = usual.length > 0 && short.length > 0;
    const slot = largest(outcomes.map(({ facts }) => facts.slot));
    const isOnTime = outcomes.every((outcome) => seconds(outcome) <= length + slot);
    return {
      headline:
        early.length > 0
          ? `TIME-WAIT ended before ${length} s in ${share(early, outcomes)} closes: ${lasted}.`
          : `TIME-WAIT lasts ${isOnTime ? `${length} s plus at most ${slot.toFixed(2)} s` : lasted}${isCompared && apart <= slot ? '; tcp_fin_timeout changes nothing' : ''}.`,
      findings: [
        finding(
          lasted,
          `TIME-WAIT lasts from the FIN of the other end until its timer expires: ${length} s and up to one slot of the timer wheel, here ${slot.toFixed(2)} s.`,
        ),
        finding(share(ownTimer, outcomes), 'Its own timer ended TIME-WAIT: no other event did.'),
        isCompared &&
          finding(
            range(short, seconds, { digits: 1, unit: 's' }),
            apart <= slot
              ? 'tcp_fin_timeout 3 instead of 60 changes nothing: the mean lengths of TIME-WAIT differ by at most a slot of the timer wheel.'
              : `tcp_fin_timeout 3 instead of 60 changes how long TIME-WAIT lasts, by ${apart.toFixed(1)} s.`,
          ),
      ],
    };
  },
});
