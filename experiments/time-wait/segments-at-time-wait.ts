import { ack, experiment, fin, finding, kind, rst, share } from 'lingerlab';
import { refusedByPaws } from './shared/paws.ts';

/** Bytes that the client sends before it closes, so that old segments fit below RCV.NXT. */
const sentBytes = 300;
/** Sequence number of the forged segment, counted from TIME-WAIT's RCV.NXT. */
const places = { below: -100, at: 0, above: 100, beyond: 2 ** 30 } as const;
/** Timestamp of the forged segment, counted from the latest one of the client; ms. */
const stamps = { same: {}, newer: { value: 10_000 }, older: { value: -10_000 }, none: 'none' } as const;
/** ss prints a timer in whole seconds: after more than 2 s a restarted timer can be recognised. */
const agedSeconds = 2.1;
/** tcp_timewait_state_process(): 65535 + 2 beyond SND.NXT of the old connection, the number after the FIN. */
const isnAhead = 65_537;

const flags = { syn: ['SYN'], rst: ['RST'], fin: ['FIN', 'ACK'], ack: ['ACK'], data: ['PSH', 'ACK'] } as const;

interface Forged {
  readonly arrives: 'syn' | 'rst' | 'fin' | 'ack' | 'data';
  readonly place: keyof typeof places;
  readonly stamp: keyof typeof stamps;
}
/** Whether a SYN is newer by its timestamp, or by its sequence number where its timestamp is not older. */
const isNewSyn = ({ arrives, place, stamp }: Forged) =>
  arrives === 'syn' && stamp !== 'older' && (stamp === 'newer' || place === 'above' || place === 'beyond');
/** Place and timestamp of the segments in the default matrix, over IPv4, with a listener and tcp_rfc1337 0. */
const chosen: Readonly<Record<Forged['arrives'], readonly string[]>> = {
  syn: ['above same', 'above none', 'above older', 'at same', 'below newer', 'below same', 'below older'],
  rst: ['at none', 'above none', 'beyond none', 'at older'],
  fin: ['below same'],
  ack: ['at same', 'at older', 'above same', 'below same'],
  data: ['at same', 'below same'],
};
/** The SYNs that are tried without a listener: newer by number, newer by timestamp, and an old one. */
const chosenClosed = ['above same', 'above none', 'below newer', 'at same'];
/** The segments that are tried over IPv6, too: it has a function of its own, tcp_v6_rcv(). */
const chosenOver6: Readonly<Partial<Record<Forged['arrives'], string>>> = {
  syn: 'above same',
  rst: 'at none',
  fin: 'below same',
};
const isAnswered = ({ arrives, place, stamp }: Forged) =>
  arrives !== 'rst' && !(arrives === 'ack' && place === 'at' && stamp !== 'older');

export default experiment({
  id: 'segments-at-time-wait',
  question: 'Which segments end TIME-WAIT or restart its 60 s, and which get an answer?',
  tags: ['TIME-WAIT', 'SYN', 'RST', 'PAWS', 'tcp_rfc1337', 'timestamps', 'RFC 1337', 'RFC 6191'],
  symptoms: ['new SYN in TIME_WAIT', 'does TIME_WAIT restart', 'duplicate FIN', 'late packet'],
  factors: {
    arrives: ['syn', 'rst', 'fin', 'ack', 'data'],
    place: ['below', 'at', 'above', 'beyond'],
    stamp: ['same', 'newer', 'older', 'none'],
    listener: ['open', 'closed'],
    rfc1337: [0, 1],
    family: [4, 6],
  },
  words: {
    arrives: {
      text: 'the segment that arrives',
      values: { syn: 'a SYN', rst: 'a RST', fin: 'the FIN', ack: 'an ACK without data', data: 'data' },
    },
    place: {
      text: 'the sequence number of the segment, against the one that TIME-WAIT expects (RCV.NXT)',
      values: {
        below: '100 lower; of the FIN, 1 lower: a copy',
        at: 'equal',
        above: '100 higher',
        beyond: '2^30 higher, outside the window',
      },
    },
    stamp: {
      text: "the timestamp of the segment, against the client's latest one",
      values: { same: 'equal', newer: '10 s newer', older: '10 s older', none: 'no timestamp' },
    },
    listener: { text: "the server's listener", values: { open: 'still listens', closed: 'is closed' } },
    rfc1337: {
      text: 'net.ipv4.tcp_rfc1337',
      values: { 0: '0, the default: a RST at RCV.NXT ends TIME-WAIT', 1: '1: TIME-WAIT ignores every RST' },
    },
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
  },
  only({ arrives, place, stamp, listener, rfc1337, family }) {
    const where = `${place} ${stamp}`;
    const isPlain = listener === 'open' && rfc1337 === 0;
    if (family === 6) return isPlain && chosenOver6[arrives] === where;
    if (listener === 'closed') return rfc1337 === 0 && arrives === 'syn' && chosenClosed.includes(where);
    return chosen[arrives].includes(where) && (isPlain || (arrives === 'rst' && stamp === 'none'));
  },
  network: 'wire',
  // without the limit on answers, which time-wait-rate-limit asks about
  sysctls: ({ rfc1337 }) => ({ 'net.ipv4.tcp_rfc1337': rfc1337, 'net.ipv4.tcp_invalid_ratelimit': 0 }),
  seconds: 2.5,
  measures: {
    answer: {
      ...kind.word('none', 'ACK', 'SYN,ACK', 'RST', 'RST,ACK'),
      text: 'the answer that TIME-WAIT sent at once',
    },
    answers: kind.count({ text: 'segments that TIME-WAIT sent at once' }),
    sameNumbers: kind.boolean({
      text: 'the answer had the sequence and acknowledgement numbers of the last ACK before it',
    }),
    newIsn: kind.count({
      text: 'distance of the new initial sequence number from SND.NXT of the old connection',
    }),
    after: { ...kind.word('TIME-WAIT', 'nothing'), text: 'what ss showed after the segment' },
    restarted: kind.boolean({ text: 'the segment restarted the timer of TIME-WAIT' }),
    left: kind.seconds({ text: 'time left on the timer before the segment' }),
    leftAfter: kind.seconds({ text: 'time left on the timer after the segment' }),
  },
  shows: [
    'answer',
    'after',
    'restarted',
    'counters.server.TcpExt.PAWSTimewait',
    'counters.server.TcpExt.PAWSEstab',
    'left',
    'leftAfter',
    'newIsn',
  ],

  async scenario(
    { client, server, wire, closeInTurn, look, rest, note },
    { arrives, place, stamp, listener: asked, family },
  ) {
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    await near.write(sentBytes);
    await far.received(sentBytes);
    await closeInTurn(far, near, 'end');
    const last = await wire.seen(ack.from('server').on(far), { after: await wire.seen(fin.from('client').on(far)) });
    if (asked === 'closed') await listener.close();
    const opens = asked === 'open' && isNewSyn({ arrives, place, stamp });
    // the client's kernel has no socket any more and would reset the answers: time-wait-assassination
    if (!opens) await wire.drop(rst.from('client'));

    await rest(agedSeconds);
    const before = await look(far);
    const lookedAt = performance.now();
    const n = await wire.inject({
      from: 'client',
      on: near,
      flags: flags[arrives],
      // a copy of the FIN
      seq: { next: arrives === 'fin' && place === 'below' ? -1 : places[place] },
      timestamps: stamps[stamp],
      ...(arrives === 'data' && { payload: 'forged' }),
    });
    const answers = await wire.answers(n);
    if (opens) await wire.answers(await wire.seen(rst.from('client').on(far), { after: n }));
    const after = await look(far);
    const passed = (performance.now() - lookedAt) / 1000;

    const [answer] = answers.map(({ segment }) => segment);
    note('answers', answers.length);
    note('answer', (answer?.flags.join() ?? 'none') as 'none');
    if (answer?.flags.includes('ACK') && !answer.flags.includes('SYN'))
      note('sameNumbers', JSON.stringify(answer.absolute) === JSON.stringify(last.segment.absolute));
    if (answer?.flags.includes('SYN')) note('newIsn', (answer.absolute.seq - last.segment.absolute.seq) >>> 0);
    note('after', after?.state === 'TIME-WAIT' ? 'TIME-WAIT' : 'nothing');
    if (after?.state === 'TIME-WAIT' && before?.timer && after.timer) {
      const [left, leftAfter] = [before.timer.ms / 1000, after.timer.ms / 1000];
      note('left', left);
      note('leftAfter', leftAfter);
      note('restarted', leftAfter + passed - left > 1);
    }
  },

  claims: [
    {
      id: 'new-syn-opens',
      text: 'with a listener, TIME-WAIT answers a SYN with a newer timestamp, or with the same or none and a higher sequence number, with SYN-ACK at once; the new initial sequence number lies 65,537 beyond SND.NXT of the old connection',
      source:
        'RFC 9293 §3.6.1 MAY-2, RFC 6191 §2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c: tw_snd_nxt + 65535 + 2',
      when: (cell) => cell.listener === 'open' && isNewSyn(cell),
      holds: (facts) => facts.answer === 'SYN,ACK' && facts.newIsn === isnAhead,
    },
    {
      id: 'does-not-come-back',
      text: 'with a listener, a SYN that is newer by number or timestamp ends TIME-WAIT, which does not come back if the client resets the SYN-ACK because the SYN was an old one',
      source:
        'RFC 9293 §3.6.1 MAY-2 (2) asks for the return to TIME-WAIT; Linux: "RED-PEN: we violate main RFC requirement" in tcp_timewait_state_process()',
      when: (cell) => cell.listener === 'open' && isNewSyn(cell),
      holds: (facts) => facts.after === 'nothing' && facts['timeWait.endedBy'] === 'recycled',
    },
    {
      id: 'nobody-listens',
      text: 'without a listener, a SYN that is newer by number or timestamp gets an ACK like an old one, not a RST, and TIME-WAIT stays',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: TCP_TW_SYN without a listener falls through to the ACK',
      when: (cell) => cell.listener === 'closed' && isNewSyn(cell),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'old-syn-is-challenged',
      text: 'a SYN at RCV.NXT or below, without a newer timestamp, gets an ACK and does not restart the 60 s of TIME-WAIT',
      source: 'RFC 5961 §4.2; tcp_timewait_state_process(): a SYN without ACK does not restart the timer',
      when: (cell) => cell.arrives === 'syn' && cell.stamp !== 'older' && !isNewSyn(cell),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'older-timestamp-is-refused',
      text: 'PAWS refuses a segment with an older timestamp, other than a RST, even a SYN with a higher sequence number: the segment gets an ACK and restarts the 60 s',
      source: 'RFC 7323 §5.2; tcp_timewait_state_process(): PAWSTimewait, before it had a counter of its own PAWSEstab',
      when: ({ arrives, stamp }) => stamp === 'older' && arrives !== 'rst',
      holds: (facts) => facts.answer === 'ACK' && facts.restarted && refusedByPaws(facts) === 1,
    },
    {
      id: 'same-numbers',
      text: 'each ACK that TIME-WAIT sends carries the same numbers as its last one: <SEQ=SND.NXT><ACK=RCV.NXT>',
      source: 'RFC 9293 §3.10.7.4; tcp_v4_timewait_ack() in net/ipv4/tcp_ipv4.c',
      when: (cell) => isAnswered(cell) && !(cell.listener === 'open' && isNewSyn(cell)),
      holds: (facts) => facts.answers === 1 && facts.sameNumbers,
    },
    {
      id: 'fin-again',
      text: 'a copy of the FIN gets an ACK and restarts the 60 s of TIME-WAIT',
      source: 'RFC 9293 §3.10.7.4: "Acknowledge it, and restart the 2 MSL timeout"',
      when: ({ arrives, place }) => arrives === 'fin' && place === 'below',
      holds: (facts) => facts.answer === 'ACK' && facts.restarted,
    },
    {
      id: 'old-segment-is-answered',
      text: 'old data, data after the FIN, and an ACK that is not at RCV.NXT get an ACK and restart the 60 s of TIME-WAIT, which no RFC asks for',
      source:
        'RFC 9293 §3.10.7.4: not acceptable, "send an acknowledgment"; inet_twsk_reschedule() in tcp_timewait_state_process()',
      when: ({ arrives, place, stamp }) =>
        stamp !== 'older' && (arrives === 'data' || ((arrives === 'ack' || arrives === 'fin') && place !== 'at')),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && facts.restarted,
    },
    {
      id: 'ack-keeps-it',
      text: 'an ACK without data at RCV.NXT gets no answer, and restarts the 60 s of TIME-WAIT all the same',
      source: 'tcp_timewait_state_process(): "In window segment, it may be only reset or bare ack"',
      when: ({ arrives, place, stamp }) => arrives === 'ack' && place === 'at' && stamp !== 'older',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && facts.restarted,
    },
    {
      id: 'rst-ends-it',
      text: 'with tcp_rfc1337 0, a RST exactly at RCV.NXT ends TIME-WAIT without an answer',
      source: 'RFC 1337 §2; tcp_timewait_state_process(): "This is TIME_WAIT assassination"',
      when: ({ arrives, place, stamp, rfc1337 }) =>
        arrives === 'rst' && place === 'at' && stamp !== 'older' && rfc1337 === 0,
      holds: (facts) => facts.answers === 0 && facts.after === 'nothing' && facts['timeWait.endedBy'] === 'rst',
    },
    {
      id: 'rfc1337-ignores-it',
      text: 'with tcp_rfc1337 1, no RST ends TIME-WAIT or restarts its 60 s, not even one at RCV.NXT',
      source: 'RFC 1337 §3 (F1): ignore RST segments in TIME-WAIT',
      when: ({ arrives, rfc1337 }) => arrives === 'rst' && rfc1337 === 1,
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'rst-elsewhere',
      text: 'TIME-WAIT ignores a RST at any other number without an answer; RFC 5961 asks for a challenge ACK to one in the window',
      source: 'RFC 5961 §3.2; tcp_timewait_state_process() answers no RST',
      when: ({ arrives, place }) => arrives === 'rst' && place !== 'at',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'rst-under-paws',
      text: 'TIME-WAIT ignores a RST at RCV.NXT with an older timestamp; RFC 7323 accepts a RST regardless of its timestamp',
      source: 'RFC 7323 §5.2; tcp_paws_reject() in include/net/tcp.h: only after TCP_PAWS_MSL, 60 s',
      when: ({ arrives, stamp }) => arrives === 'rst' && stamp === 'older',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
  ],

  answer(outcomes) {
    type Outcome = (typeof outcomes)[number];
    const isOpening = ({ cell }: Outcome) => cell.listener === 'open' && isNewSyn(cell);
    const isExactRst = ({ cell }: Outcome) =>
      cell.arrives === 'rst' && cell.place === 'at' && cell.stamp !== 'older' && cell.rfc1337 === 0;
    const isEnded = ({ facts }: Outcome) => facts.after === 'nothing';
    const isRestarted = ({ facts }: Outcome) => facts.after === 'TIME-WAIT' && facts.restarted;
    const isAcked = ({ facts }: Outcome) => facts.answer === 'ACK';
    const [ended, opening] = [outcomes.filter(isEnded), outcomes.filter(isOpening)];
    const exact = outcomes.filter(isExactRst);
    const others = outcomes.filter((one) => one.cell.arrives === 'rst' && !isExactRst(one));
    const late = outcomes.filter(({ cell }) => cell.arrives !== 'syn' && cell.arrives !== 'rst');
    const syns = outcomes.filter((one) => one.cell.arrives === 'syn' && !isOpening(one));
    const old = syns.filter(({ cell }) => cell.stamp !== 'older');
    const refused = syns.filter(({ cell }) => cell.stamp === 'older');
    const asExpected =
      [opening, exact, late].every((each) => each.length > 0) &&
      outcomes.every((one) => isEnded(one) === (isOpening(one) || isExactRst(one))) &&
      late.every(isRestarted);
    return {
      headline: asExpected
        ? `Only a newer SYN or a RST at RCV.NXT ends TIME-WAIT (${outcomes.length} segments tried).`
        : `One segment ended TIME-WAIT in ${share(ended, outcomes)} cases.`,
      findings: [
        finding(share(late.filter(isRestarted), late), 'Data, ACKs and FINs restart the 60 s of TIME-WAIT.'),
        finding(
          share(opening.filter(isEnded), opening),
          'With a listener, a SYN with a newer timestamp, or with the same or none and a higher number, ends TIME-WAIT and opens a connection.',
        ),
        finding(
          share(exact.filter(isEnded), exact),
          'With tcp_rfc1337 0, the default, a RST exactly at the expected sequence number (RCV.NXT) ends TIME-WAIT.',
        ),
        finding(
          share(
            others.filter((one) => !isEnded(one)),
            others,
          ),
          'TIME-WAIT ignores a RST at another sequence number, with an older timestamp, or with tcp_rfc1337 1.',
        ),
        finding(
          share(
            old.filter((one) => isAcked(one) && !isRestarted(one)),
            old,
          ),
          'Without an older timestamp, a SYN that is not newer, or finds no listener, gets an ACK and does not restart the 60 s.',
        ),
        finding(
          share(
            refused.filter((one) => isAcked(one) && isRestarted(one)),
            refused,
          ),
          'A SYN with an older timestamp gets an ACK and restarts the 60 s.',
        ),
      ],
    };
  },
});
