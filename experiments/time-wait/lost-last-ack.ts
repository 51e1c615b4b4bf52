import { ack, experiment, fin, kind, range, rst, sentence, share } from 'lingerlab';

/** tcp_orphan_retries, and tcp_retries2 for an end whose descriptor is kept. */
const retries = 3;
/**
 * How long the other end goes on without an answer, ms: it sends its FIN again by a tail loss probe after a timeout, then by
 * timeouts that double, 2, 4, 8, 16 of them after the first FIN. Each asks whether it is enough, and that is a time and no
 * number of tries: as long as so many retries would take with a timeout of 200 ms, counted from the first that was no probe.
 */
function patience(rtoMs: number, most: number): number {
  const enough = (2 ** (most + 1) - 1) * 200;
  for (let tries = 1; ; tries++) if ((2 ** tries - 2) * rtoMs >= enough) return 2 ** tries * rtoMs;
}
/** TCP_INFO rounds a timeout; the kernel's timers are up to an eighth late (kernel/time/timer.c), a busy machine's a little more. */
const isAbout = (ms: number, expected: number) => ms > 0.95 * expected && ms < 1.2 * expected;
/** A segment's time is when the wire read it, which on a busy machine was up to 48 ms late: so much less is a gap behind it. */
const earlyMs = 100;
/** After so long a duplicate of the FIN comes late: `ss` prints whole seconds, and a timer that began again is 2 more then. */
const lateSeconds = 2.1;
/** The state in which it is given up; it knows nothing of a lost RST: its own FIN is the first. */
const givingUpIn = ({ left }: { readonly left: string }) =>
  left === 'linger-0' ? 'server.stateMs.FIN-WAIT-1' : 'server.stateMs.LAST-ACK';
const times = { never: 0, once: 1, twice: 2, always: 1000 } as const;

export default experiment({
  id: 'lost-last-ack',
  question: 'The last segment of a connection is lost: how does the end that closed second find out?',
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
    // how many of the last segments of the end that closes first: an ACK of the other's FIN, or a RST
    lost: ['never', 'once', 'twice', 'always'],
    // what the first closer has left: TIME-WAIT; nothing, having closed with linger 0; nothing, as ss -K or a lack of buckets took it
    left: ['TIME-WAIT', 'linger-0', 'ss-K', 'no-buckets'],
    // the other closes, or half-closes and keeps its descriptor, which can be asked for an error
    second: ['close', 'shutdown'],
    family: [4, 6],
  },
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
      text: 'what ss showed of the first end once the second was closed',
    },
    stillOpen: kind.boolean({
      text: 'the second end was still ESTABLISHED when it closed: it knew nothing of the first',
    }),
    retries: kind.outcome({ text: 'how often it may try, read back from the kernel' }),
    rtoMs: kind.ms({ text: 'its retransmission timeout just before it closed' }),
    fins: kind.count({ text: 'times that it sent its FIN' }),
    counted: kind.count({
      compare: 'measurement',
      text: 'the same where that is a matter of timers: until it gave up, or while ss -K was at work',
    }),
    againMs: kind.ms({ text: 'from its FIN until it sent that again' }),
    answers: kind.count({ text: 'last segments that the first end sent: ACKs of that FIN, and RSTs' }),
    ending: { ...kind.word('ACK', 'RST', 'none'), text: 'what came through to the second end and ended it' },
    told: kind.outcome({ text: "what the second end's application found in SO_ERROR" }),
    timerBefore: kind.seconds({ text: "what TIME-WAIT's timer had left before a late duplicate of the FIN" }),
    timerAfter: kind.seconds({ text: 'and after it, with what had passed until ss looked' }),
    restarted: {
      ...kind.word('yes', 'no', 'nothing left'),
      text: "whether that began TIME-WAIT's 60 s again: more was left after it than before",
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

    // TIME-WAIT is to be gone when the FIN comes again
    if (left === 'ss-K') await wire.carry(fins, { times: 1 });
    const isAlways = lost === 'always';
    const held = left === 'ss-K' ? await wire.hold(fins, isAlways ? {} : { times: 1 }) : undefined;
    // on a busy machine ss -K may take longer than until the one after, which would be answered, too
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
    if (second === 'shutdown') note('told', await far.error());

    const sent = await wire.count(fins);
    // how often it tries until it gives up is a matter of its timeout, and so of the path
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

    // the second end is gone, and would reset what TIME-WAIT answers
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
      text: 'TIME-WAIT acknowledges a FIN that is retransmitted once or twice, until an ACK reaches the other end and closes it',
      source: 'RFC 9293 §3.10.7.4: TIME-WAIT STATE; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: (cell) => cell.left === 'TIME-WAIT' && cell.lost !== 'always',
      holds: (facts, { lost }) =>
        facts.ending === 'ACK' && facts.answers === times[lost] + 1 && facts.fins === times[lost] + 1,
    },
    {
      id: 'nobody-resets',
      text: 'where the first end has no socket any more, not even TIME-WAIT, a FIN of the other end is answered by a RST',
      source: 'RFC 9293 §3.10.7.1; tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: no_tcp_socket',
      when: (cell) => cell.left !== 'TIME-WAIT' && cell.lost !== 'always',
      holds: (facts) => facts.ending === 'RST' && facts.remains === 'nothing',
    },
    {
      id: 'a-reset-is-sent-once',
      text: 'a lost RST is not sent again: the other end stays ESTABLISHED until it sends a FIN itself; that is answered by another RST',
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
      text: `with tcp_orphan_retries or tcp_retries2 ${retries}, a FIN without an answer is sent more than ${retries} times again, and given up: the setting stands for a time, (2^(${retries}+1)-1) · 200 ms from the first retransmission by the RTO`,
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
      text: 'where TIME-WAIT answered, the application that closed second with shutdown(2) finds no error in SO_ERROR',
      source: 'tcp_rcv_state_process() in net/ipv4/tcp_input.c: TCP_LAST_ACK',
      when: (cell) => cell.second === 'shutdown' && cell.left === 'TIME-WAIT' && cell.lost !== 'always',
      holds: (facts) => facts.told === 'none',
    },
    {
      id: 'error-without',
      text: 'where a RST answered, the application that closed second with shutdown(2) finds ECONNRESET in SO_ERROR, though both ends had read all and closed in order; where nothing answered, ETIMEDOUT',
      source: 'tcp_reset() in net/ipv4/tcp_input.c; tcp_write_err() in net/ipv4/tcp_timer.c',
      when: (cell) => cell.second === 'shutdown' && (cell.left !== 'TIME-WAIT' || cell.lost === 'always'),
      holds: (facts, { lost }) => facts.told === (lost === 'always' ? 'ETIMEDOUT' : 'ECONNRESET'),
    },
    {
      id: 'timer-restarts',
      text: 'one more copy of the FIN restarts the 60 s of TIME-WAIT, whether or not the ACK before was lost',
      source:
        'RFC 9293 §3.10.7.4: "restart the 2 MSL timeout"; tcp_timewait_state_process(): inet_twsk_reschedule(). Tolerance: ss rounds to a second, twice',
      when: ({ left }) => left === 'TIME-WAIT',
      holds: (facts) =>
        facts.restarted === 'yes' && facts.timerAfter - facts.timerBefore > lateSeconds - 2 && facts.timerAfter > 58,
    },
    {
      id: 'nothing-to-restart',
      text: 'where TIME-WAIT was not kept or was taken away, a later FIN does not bring it back',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: no_tcp_socket',
      when: ({ left }) => left !== 'TIME-WAIT',
      holds: (facts) => facts.remains === 'nothing' && facts.restarted === 'nothing left',
    },
  ],

  answer(outcomes) {
    const ended = (of: typeof outcomes, ending: 'ACK' | 'RST') => of.filter(({ facts }) => facts.ending === ending);
    const lost = outcomes.filter(({ cell }) => cell.lost === 'once' || cell.lost === 'twice');
    const kept = lost.filter(({ cell }) => cell.left === 'TIME-WAIT');
    const gone = lost.filter(({ cell }) => cell.left !== 'TIME-WAIT');
    const again = kept.flatMap(({ facts }) => ('againMs' in facts ? Math.round(facts.againMs) : []));
    const always = outcomes.filter(({ cell }) => cell.lost === 'always');
    const silent = always.filter(({ facts }) => facts.ending === 'none');
    const waited = silent.map(({ cell, facts }) => facts[givingUpIn(cell)] / 1000);
    const told = (ending: 'ACK' | 'RST' | 'none', words: string) => {
      const asked = outcomes.filter(({ facts }) => 'told' in facts && facts.ending === ending);
      const said = new Set(asked.map(({ facts }) => (facts.told === 'none' ? 'no error' : facts.told)));
      return asked.length > 0 ? [`${[...said].join(' or ')} ${words}`] : [];
    };
    const found = [...told('ACK', 'after an ACK'), ...told('RST', 'after a RST'), ...told('none', 'after neither')];
    const waiting = outcomes.filter(({ facts }) => facts.remains === 'TIME-WAIT');
    const restarted = waiting.filter(({ facts }) => facts.restarted === 'yes');
    return sentence(
      kept.length > 0 &&
        `where TIME-WAIT was kept and the last ACK lost, the FIN came again${again.length > 0 ? ` after ${range(again, { unit: 'ms' })}` : ''} and an ACK ended the other end in ${share(ended(kept, 'ACK'), kept)}`,
      gone.length > 0 && `where nothing was left to answer, a RST did in ${share(ended(gone, 'RST'), gone)}`,
      always.length > 0 &&
        `where every answer was lost it gave up without one in ${share(silent, always)}${waited.length > 0 ? `, after ${range(waited, { digits: 1, unit: 's' })}` : ''}`,
      found.length > 0 && `its application found in SO_ERROR ${found.join(', ')}`,
      waiting.length > 0 && `one more FIN began the 60 s of TIME-WAIT again in ${share(restarted, waiting)}`,
    );
  },
});
