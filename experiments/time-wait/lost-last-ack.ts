import { ack, experiment, fin, finding, kind, range, rst, share } from 'lingerlab';

/** tcp_orphan_retries, and tcp_retries2, which holds for an end that keeps its descriptor. */
const retries = 3;
/** The time that a number of retries stands for, ms. */
const budgetMs = (most: number): number => (2 ** (most + 1) - 1) * 200;

/**
 * How long the other end tries without an answer, ms. It sends its FIN again after one timeout, as a tail loss probe, then after 2,
 * 4, 8 and 16 timeouts. At each of these the kernel compares the time since the first one that is no probe with the time that so
 * many retries take with a timeout of 200 ms: the setting stands for a time, not for a number of tries.
 */
function patience(rtoMs: number, most: number): number {
  const enough = budgetMs(most);
  for (let tries = 1; ; tries++) if ((2 ** tries - 2) * rtoMs >= enough) return 2 ** tries * rtoMs;
}
/** TCP_INFO rounds a timeout; the kernel's timers are up to an eighth late (kernel/time/timer.c), a busy machine's a little more. */
const isAbout = (ms: number, expected: number) => ms > 0.95 * expected && ms < 1.2 * expected;
/** The wire reads a segment up to 48 ms late on a busy machine: the gap after such a segment is shorter by that. */
const earlyMs = 100;
/** When a copy of the FIN arrives: `ss` prints whole seconds, and a restarted timer shows 2 more by then. */
const lateSeconds = 2.1;
/** The state in which the other end gives up. After a lost RST it is still ESTABLISHED, and its own FIN is the first. */
const givingUpIn = ({ left }: { readonly left: string }) =>
  left === 'linger-0' ? 'server.stateMs.FIN-WAIT-1' : 'server.stateMs.LAST-ACK';
const times = { never: 0, once: 1, twice: 2, always: 1000 } as const;

export default experiment({
  id: 'lost-last-ack',
  question:
    'The last ACK of a connection, or the RST of SO_LINGER 0, is lost: how does the other end learn of the close?',
  tags: [
    'LAST-ACK',
    'TIME-WAIT',
    'retransmission',
    'RST',
    'ECONNRESET',
    'tcp_orphan_retries',
    'ss -K',
    'packet loss',
    'tcp_max_tw_buckets',
  ],
  symptoms: ['why does TIME_WAIT exist', 'stuck in LAST_ACK', 'last ACK lost', 'is it safe to remove TIME_WAIT'],
  factors: {
    lost: ['never', 'once', 'twice', 'always'],
    left: ['TIME-WAIT', 'linger-0', 'ss-K', 'no-buckets'],
    second: ['close', 'shutdown'],
    family: [4, 6],
  },
  words: {
    lost: {
      text: 'how often the last ACK or RST of the end that closed first is lost',
      values: { never: 'never', once: 'once', twice: 'twice', always: 'always' },
    },
    left: {
      text: 'what the end that closed first keeps',
      values: {
        'TIME-WAIT': 'TIME-WAIT',
        'linger-0': 'nothing: it closed with SO_LINGER 0',
        'ss-K': 'nothing: ss -K removed TIME-WAIT',
        'no-buckets': 'nothing: tcp_max_tw_buckets is 0',
      },
    },
    second: {
      text: 'how the second end closes',
      values: {
        close: "net's destroy(), which closes the descriptor",
        shutdown: 'shutdown(2), which keeps the descriptor, so that SO_ERROR can be read',
      },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  // what is not lost closes the other end, whatever the first one keeps
  valid: ({ lost, left }) => lost !== 'never' || left === 'TIME-WAIT' || left === 'no-buckets',
  only: ({ lost, left, second, family }) =>
    family === 4
      ? second === 'close'
        ? lost !== 'never' || left === 'TIME-WAIT'
        : (lost === 'once' || lost === 'always') && (left === 'TIME-WAIT' || left === 'no-buckets')
      : lost === 'once' && second === 'close' && (left === 'TIME-WAIT' || left === 'no-buckets'),
  network: 'wire',
  sysctls: ({ left }) => ({
    'net.ipv4.tcp_orphan_retries': retries,
    'net.ipv4.tcp_retries2': retries,
    'net.ipv4.tcp_max_tw_buckets': left === 'no-buckets' ? 0 : undefined,
  }),
  seconds: ({ lost, left }) => (left === 'TIME-WAIT' ? lateSeconds : 0) + (lost === 'always' ? 7 : 1),
  measures: {
    remains: {
      ...kind.word('TIME-WAIT', 'nothing'),
      text: 'what ss showed of the first end when the second end was CLOSED',
    },
    stillOpen: kind.boolean({
      text: 'the second end was still ESTABLISHED when it closed',
    }),
    retries: kind.outcome({ text: 'the setting that limits the retries of the second end, read back from the kernel' }),
    rtoMs: kind.ms({ text: 'retransmission timeout of the second end just before it closed' }),
    fins: kind.count({ text: 'times that the second end sent its FIN' }),
    counted: kind.count({
      compare: 'measurement',
      text: 'the same in cells where timers decide how often: until the second end gave up, or while ss -K was at work',
    }),
    againMs: kind.ms({ text: 'time from the first FIN of the second end to its second FIN' }),
    answers: kind.count({ text: 'ACKs of that FIN, and RSTs, that the first end sent' }),
    ending: { ...kind.word('ACK', 'RST', 'none'), text: 'the segment that reached the second end and closed it' },
    told: kind.outcome({ label: 'SO_ERROR', text: 'SO_ERROR of the second end' }),
    timerBefore: kind.seconds({ text: 'time left on the timer of TIME-WAIT before a late copy of the FIN' }),
    timerAfter: kind.seconds({ text: 'the same after that copy, plus the time until ss looked' }),
    restarted: {
      ...kind.word('yes', 'no', 'nothing left'),
      text: 'whether that copy restarted the 60 s of TIME-WAIT',
    },
  },
  shows: [
    'ending',
    'restarted',
    'told',
    'fins',
    'answers',
    'counted',
    'retries',
    'remains',
    'againMs',
    'rtoMs',
    'server.stateMs.LAST-ACK',
    'server.stateMs.FIN-WAIT-1',
    'server.resentAt',
    'client.path',
    'server.path',
  ],

  async scenario({ client, server, wire, until, look, destroy, note, rest, sysctl }, { lost, left, second, family }) {
    const [near, far] = await client.connect(await server.listen({ family }));
    const fins = fin.from('server');
    const last = rst.or(ack.withAck(2)).from('client');
    const losses = times[lost];

    if (left === 'linger-0') {
      await near.set('SO_LINGER', 0);
      if (losses > 0) await wire.drop(last, { times: losses });
      await near.close('destroy');
      await wire.seen(last);
    } else {
      await near.close('end');
      await until(near, 'FIN-WAIT-2');
      await far.ended();
      if (losses > 0) await wire.drop(last, { times: losses });
    }
    const setting = second === 'close' ? 'tcp_orphan_retries' : 'tcp_retries2';
    note('retries', `${setting} ${sysctl(`net.ipv4.${setting}`, 'server')?.value ?? 'unknown'}`);
    const { state, rtoUs } = await far.info();
    note('stillOpen', state === 'ESTABLISHED');
    note('rtoMs', rtoUs / 1000);

    // ss -K removes TIME-WAIT before the FIN is sent again
    if (left === 'ss-K') await wire.carry(fins, { times: 1 });
    const isAlways = lost === 'always';
    const held = left === 'ss-K' ? await wire.hold(fins, isAlways ? {} : { times: 1 }) : undefined;
    // on a busy machine ss -K may last until the third FIN, which TIME-WAIT would answer, too
    const more = held && !isAlways ? await wire.drop(fins) : undefined;
    await (second === 'close' ? far.close('destroy') : far.shutdown('WR'));
    if (held) {
      await until(near, 'TIME-WAIT');
      await destroy(near);
      await wire.seen(fins.nth(2));
      await Promise.all([held.lift(), more?.lift()]);
      await held.release();
    }
    await until(far, 'CLOSED');
    // an end that has received no FIN still reads: net takes the error, and closes
    if (second === 'shutdown' && left !== 'linger-0') note('told', await far.error());

    const sent = await wire.count(fins);
    // how often the second end tries until it gives up depends on its timeout, and so on the path
    note(isAlways || left === 'ss-K' ? 'counted' : 'fins', sent);
    const first = await wire.seen(fins);
    if (sent > 1) note('againMs', ((await wire.seen(fins.nth(2))).t - first.t) / 1e6);
    const answers = await wire.count(last);
    const through = answers > losses ? await wire.seen(last.nth(losses + 1)) : undefined;
    if (lost !== 'always') note('answers', answers);
    note('ending', through ? (through.segment.flags.includes('RST') ? 'RST' : 'ACK') : 'none');
    const remains = (await look(near))?.state === 'TIME-WAIT';
    note('remains', remains ? 'TIME-WAIT' : 'nothing');
    if (!remains) return note('restarted', 'nothing left');

    // the second end has no socket any more, and would reset the ACK of TIME-WAIT
    await wire.drop(last);
    await rest(lateSeconds);
    const before = (await look(near))?.timer?.ms ?? 0;
    const lookedAt = performance.now();
    await wire.replay(first);
    await wire.seen(last.nth(answers + 1));
    const after = ((await look(near))?.timer?.ms ?? 0) + performance.now() - lookedAt;
    note('timerBefore', before / 1000);
    note('timerAfter', after / 1000);
    note('restarted', after - before > 1000 ? 'yes' : 'no');
  },

  claims: [
    {
      id: 'time-wait-answers',
      text: 'TIME-WAIT acknowledges each FIN that is sent again, until an ACK reaches the other end and closes it',
      source: 'RFC 9293 §3.10.7.4: TIME-WAIT STATE; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: (cell) => cell.left === 'TIME-WAIT' && cell.lost !== 'always',
      holds: (facts, { lost }) =>
        facts.ending === 'ACK' && facts.answers === times[lost] + 1 && facts.fins === times[lost] + 1,
    },
    {
      id: 'nobody-resets',
      text: 'where the first end has no socket any more, not even TIME-WAIT, a RST answers the FIN of the other end',
      source: 'RFC 9293 §3.10.7.1; tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: no_tcp_socket',
      when: (cell) => cell.left !== 'TIME-WAIT' && cell.lost !== 'always' && cell.lost !== 'never',
      holds: (facts) => facts.ending === 'RST' && facts.remains === 'nothing',
    },
    {
      id: 'a-reset-is-sent-once',
      text: 'a lost RST is not sent again: the other end stays ESTABLISHED until it sends something, here its FIN, which gets another RST',
      source: 'RFC 9293 §3.10.5; tcp_send_active_reset() in net/ipv4/tcp_output.c: nothing is kept to be sent again',
      when: ({ left }) => left === 'linger-0',
      holds: (facts, { lost }) =>
        facts.stillOpen &&
        (lost === 'always' ? facts.counted > 1 : facts.fins === times[lost] && facts.ending === 'RST'),
    },
    {
      id: 'again-after-rto',
      text: 'a FIN that is not acknowledged is sent again after the retransmission timeout',
      source:
        'RFC 6298 §5.4; RFC 8985 §7, tail loss probe. Tolerance: 100 ms early, where the wire took the first one late, to half a timeout late, on a busy machine',
      when: ({ left, lost }) => (left === 'linger-0' ? lost === 'twice' || lost === 'always' : lost !== 'never'),
      holds: (facts) => facts.againMs > facts.rtoMs - earlyMs && facts.againMs < 1.5 * facts.rtoMs,
    },
    {
      id: 'gives-up',
      text: `tcp_orphan_retries ${retries} or tcp_retries2 ${retries} sets a time, not a count: the other end gives up at the first timer that expires (2^(${retries}+1)-1) · 200 ms = ${budgetMs(retries) / 1000} s or more after its first retransmission by the RTO, here after more than ${retries} retransmissions`,
      source:
        'tcp_write_timeout(), retransmits_timed_out() and tcp_model_timeout() in net/ipv4/tcp_timer.c, TCP_RTO_MIN 200 ms; RFC 8985 §7. Tolerance: 5 % early, what TCP_INFO rounds, to a fifth late, of which the timer wheel takes an eighth',
      when: ({ lost }) => lost === 'always',
      holds: (facts, { left }) => {
        const ms = facts[givingUpIn({ left })];
        return (
          facts.ending === 'none' &&
          facts.counted > retries + 1 &&
          [1, 1.05].some((more) => isAbout(ms, patience(facts.rtoMs * more, retries))) &&
          facts['counters.server.TcpExt.TCPAbortOnTimeout'] === 1
        );
      },
    },
    {
      id: 'clean-with-time-wait',
      text: 'where TIME-WAIT answers, SO_ERROR of the end that closed second shows no error',
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c: TCP_LAST_ACK',
      when: (cell) => cell.second === 'shutdown' && cell.left === 'TIME-WAIT' && cell.lost !== 'always',
      holds: (facts) => facts.told === 'none',
    },
    {
      id: 'error-without',
      text: 'where a RST answers, SO_ERROR of the end that closed second is ECONNRESET, although both ends closed in order; where nothing answers, ETIMEDOUT',
      source: 'tcp_reset() in net/ipv4/tcp_input.c; tcp_write_err() in net/ipv4/tcp_timer.c',
      when: (cell) =>
        cell.second === 'shutdown' &&
        cell.left !== 'linger-0' &&
        cell.lost !== 'never' &&
        (cell.left !== 'TIME-WAIT' || cell.lost === 'always'),
      holds: (facts, { lost }) => facts.told === (lost === 'always' ? 'ETIMEDOUT' : 'ECONNRESET'),
    },
    {
      id: 'timer-restarts',
      text: 'one more copy of the FIN restarts the 60 s of TIME-WAIT',
      source:
        'RFC 9293 §3.10.7.4: "restart the 2 MSL timeout"; tcp_timewait_state_process(): inet_twsk_reschedule(). Tolerance: ss rounds to a second, twice',
      when: ({ left }) => left === 'TIME-WAIT',
      holds: (facts) =>
        facts.restarted === 'yes' && facts.timerAfter - facts.timerBefore > lateSeconds - 2 && facts.timerAfter > 58,
    },
    {
      id: 'nothing-to-restart',
      text: 'where the first end keeps no TIME-WAIT, or ss -K removed it, a later FIN does not bring it back',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: no_tcp_socket',
      when: ({ left }) => left !== 'TIME-WAIT',
      holds: (facts) => facts.remains === 'nothing' && facts.restarted === 'nothing left',
    },
  ],

  guide: [
    {
      about: { tcp_max_tw_buckets: 'risks' },
      claim: 'error-without',
      when: ({ left, lost }) => left === 'no-buckets' && lost === 'once',
      text: 'Without TIME-WAIT, a lost last ACK becomes a RST: SO_ERROR of the end that closed second is ECONNRESET.',
    },
    {
      about: { tcp_orphan_retries: 'measured' },
      claim: 'gives-up',
      when: ({ second, left }) => second === 'close' && left === 'TIME-WAIT',
      text: 'tcp_orphan_retries 3 is a time, not a count: in LAST-ACK, the kernel sends the FIN more than 3 times before it gives up.',
    },
  ],

  answer(outcomes) {
    type Outcomes = typeof outcomes;
    const by = (of: Outcomes, ending: 'ACK' | 'RST' | 'none') => of.filter(({ facts }) => facts.ending === ending);
    const lost = outcomes.filter(({ cell }) => cell.lost === 'once' || cell.lost === 'twice');
    const kept = lost.filter(({ cell }) => cell.left === 'TIME-WAIT');
    const gone = lost.filter(({ cell }) => cell.left !== 'TIME-WAIT');
    const resent = outcomes.filter(({ facts }) => 'againMs' in facts);
    const silent = by(
      outcomes.filter(({ cell }) => cell.lost === 'always'),
      'none',
    );
    const lasted = range(silent, ({ cell, facts }) => facts[givingUpIn(cell)] / 1000, { digits: 1, unit: 's' });
    const asked = gone.filter(({ cell }) => cell.second === 'shutdown');
    const reset = asked.filter(({ facts }) => facts.told === 'ECONNRESET');
    const waiting = outcomes.filter(({ facts }) => facts.remains === 'TIME-WAIT');
    const restarted = waiting.filter(({ facts }) => facts.restarted === 'yes');
    const all = (of: Outcomes, ending: 'ACK' | 'RST') => of.length > 0 && by(of, ending).length === of.length;
    return {
      headline:
        all(kept, 'ACK') && all(gone, 'RST')
          ? 'TIME-WAIT repairs a lost last ACK; without TIME-WAIT, the other end gets a RST.'
          : kept.length > 0
            ? `TIME-WAIT repaired a lost last ACK in ${share(by(kept, 'ACK'), kept)} closes.`
            : gone.length > 0
              ? `Without TIME-WAIT, a RST answered the second FIN in ${share(by(gone, 'RST'), gone)} closes.`
              : silent.length > 0 && 'A FIN that nothing answers is sent again until the kernel gives up.',
      findings: [
        finding(
          share(by(kept, 'ACK'), kept),
          'If the last ACK is lost, the other end sends its FIN again; TIME-WAIT acknowledges it once more, which closes the other end.',
        ),
        finding(
          share(by(gone, 'RST'), gone),
          'Where the end that closed first keeps no TIME-WAIT, a RST answers the next FIN and closes the other end, unless every RST is lost.',
        ),
        finding(
          share(reset, asked),
          'After a RST that answers its FIN, SO_ERROR of the other end is ECONNRESET, although both ends closed in order.',
        ),
        resent.length > 0 &&
          finding(
            range(resent, ({ facts }) => facts.againMs, { unit: 'ms' }),
            `Without the ACK, the other end sends its FIN again after about its retransmission timeout, here ${range(resent, ({ facts }) => facts.rtoMs, { unit: 'ms' })}: as a tail loss probe.`,
          ),
        silent.length > 0 &&
          finding(
            lasted,
            `Unanswered, the other end gives up after ${lasted} with tcp_orphan_retries (or tcp_retries2) ${retries}: at the first timer ${budgetMs(retries) / 1000} s or more after its third FIN.`,
          ),
        finding(share(restarted, waiting), 'One more copy of the FIN restarts the 60 s of TIME-WAIT.'),
      ],
    };
  },
});
