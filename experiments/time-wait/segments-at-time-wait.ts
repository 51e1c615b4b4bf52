import { ack, experiment, fin, kind, rst, sentence, share } from 'lingerlab';

/** What the client sends and has acknowledged before it closes: below RCV.NXT there is room for old segments. */
const sentBytes = 300;
/** Of the forged segment, counted from TIME-WAIT's RCV.NXT. */
const places = { below: -100, at: 0, above: 100, beyond: 2 ** 30 } as const;
/** Of its timestamp, counted from the latest that the client sent; ms. */
const stamps = { same: {}, newer: { value: 10_000 }, older: { value: -10_000 }, none: 'none' } as const;
/** ss prints whole seconds of a timer: one that was restarted after more than 2 is told from one that ran on. */
const agedSeconds = 2.1;
/** tcp_timewait_state_process(): 65535 + 2 beyond what the old incarnation sent. */
const isnAhead = 65_537;

const flags = { syn: ['SYN'], rst: ['RST'], fin: ['FIN', 'ACK'], ack: ['ACK'], data: ['PSH', 'ACK'] } as const;

interface Forged {
  readonly arrives: 'syn' | 'rst' | 'fin' | 'ack' | 'data';
  readonly place: keyof typeof places;
  readonly stamp: keyof typeof stamps;
}
/** Newer by its timestamp, or by its sequence number where its timestamp does not say that it is old. */
const isNewSyn = ({ arrives, place, stamp }: Forged) =>
  arrives === 'syn' && stamp !== 'older' && (stamp === 'newer' || place === 'above' || place === 'beyond');
/** Of the default matrix over IPv4, with a listener and tcp_rfc1337 0: where, and with which timestamp. */
const chosen: Readonly<Record<Forged['arrives'], readonly string[]>> = {
  syn: ['above same', 'above none', 'above older', 'at same', 'below newer', 'below same', 'below older'],
  rst: ['at none', 'above none', 'beyond none', 'at older'],
  fin: ['below same'],
  ack: ['at same', 'at older', 'above same', 'below same'],
  data: ['at same', 'below same'],
};
/** Again where nobody listens: a SYN that would have opened, by its number or by its timestamp, and an old one. */
const chosenClosed = ['above same', 'above none', 'below newer', 'at same'];
/** Once more over IPv6, which has a tcp_v6_rcv() of its own. */
const chosenOver6: Readonly<Partial<Record<Forged['arrives'], string>>> = {
  syn: 'above same',
  rst: 'at none',
  fin: 'below same',
};
const isAnswered = ({ arrives, place, stamp }: Forged) =>
  arrives !== 'rst' && !(arrives === 'ack' && place === 'at' && stamp !== 'older');

export default experiment({
  id: 'segments-at-time-wait',
  question: 'What does TIME-WAIT answer to a segment, what does that leave of it, and does its minute begin again?',
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
  only({ arrives, place, stamp, listener, rfc1337, family }) {
    const where = `${place} ${stamp}`;
    const isPlain = listener === 'open' && rfc1337 === 0;
    if (family === 6) return isPlain && chosenOver6[arrives] === where;
    if (listener === 'closed') return rfc1337 === 0 && arrives === 'syn' && chosenClosed.includes(where);
    return chosen[arrives].includes(where) && (isPlain || (arrives === 'rst' && stamp === 'none'));
  },
  network: 'wire',
  // what limits its answers is another question: time-wait-rate-limit
  sysctls: ({ rfc1337 }) => ({ 'net.ipv4.tcp_rfc1337': rfc1337, 'net.ipv4.tcp_invalid_ratelimit': 0 }),
  seconds: 2.5,
  measures: {
    answer: { ...kind.word('none', 'ACK', 'SYN,ACK', 'RST', 'RST,ACK'), text: 'what came back at once' },
    answers: kind.count({ text: 'segments that came back at once' }),
    sameNumbers: kind.boolean({
      text: 'the answer had the sequence and acknowledgement numbers of its last acknowledgement',
    }),
    newIsn: kind.count({ text: 'how far the new initial sequence number lies beyond what the old incarnation sent' }),
    after: { ...kind.word('TIME-WAIT', 'nothing'), text: 'what ss showed afterwards' },
    restarted: kind.boolean({ text: 'its timer began again' }),
    left: kind.seconds({ text: 'what its timer had left before the segment came' }),
    leftAfter: kind.seconds({ text: 'and afterwards' }),
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
    // the client's kernel knows nothing of the connection any more and resets what answers come: time-wait-assassination
    if (!opens) await wire.drop(rst.from('client'));

    await rest(agedSeconds);
    const before = await look(far);
    const lookedAt = performance.now();
    const n = await wire.inject({
      from: 'client',
      on: near,
      flags: flags[arrives],
      // the FIN itself once more
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
      text: 'a SYN with a higher sequence number, or a newer timestamp, is answered by SYN-ACK at once where a listener is, without any setting: its initial sequence number lies 65537 beyond what the old incarnation sent',
      source:
        'RFC 9293 §3.6.1 MAY-2, RFC 6191 §2; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c: tw_snd_nxt + 65535 + 2',
      when: (cell) => cell.listener === 'open' && isNewSyn(cell),
      holds: (facts) => facts.answer === 'SYN,ACK' && facts.newIsn === isnAhead,
    },
    {
      id: 'does-not-come-back',
      text: 'TIME-WAIT is gone with such a SYN, and does not come back though the SYN turns out to be an old one: the RST that says so leaves nothing',
      source:
        'RFC 9293 §3.6.1 MAY-2 (2) asks for the return to TIME-WAIT; Linux: "RED-PEN: we violate main RFC requirement" in tcp_timewait_state_process()',
      when: (cell) => cell.listener === 'open' && isNewSyn(cell),
      holds: (facts) => facts.after === 'nothing' && facts['timeWait.endedBy'] === 'recycled',
    },
    {
      id: 'nobody-listens',
      text: 'where nobody listens such a SYN is answered by an ACK like an old one, not by a RST, and TIME-WAIT stays',
      source: 'tcp_v4_rcv() in net/ipv4/tcp_ipv4.c: TCP_TW_SYN without a listener falls through to the ACK',
      when: (cell) => cell.listener === 'closed' && isNewSyn(cell),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'old-syn-is-challenged',
      text: 'a SYN at RCV.NXT or below it, without a newer timestamp, is answered by an ACK; the minute runs on',
      source: 'RFC 5961 §4.2; tcp_timewait_state_process(): a SYN without ACK does not restart the timer',
      when: (cell) => cell.arrives === 'syn' && cell.stamp !== 'older' && !isNewSyn(cell),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'older-timestamp-is-refused',
      text: 'a segment with an older timestamp, a RST apart, is refused by PAWS, a SYN with a higher sequence number too: it is answered by an ACK, and the minute begins again',
      source: 'RFC 7323 §5.2; tcp_timewait_state_process(): PAWSTimewait, before it had a counter of its own PAWSEstab',
      when: ({ arrives, stamp }) => stamp === 'older' && arrives !== 'rst',
      holds: (facts) =>
        facts.answer === 'ACK' &&
        facts.restarted &&
        (facts['counters.server.TcpExt.PAWSTimewait'] ?? 0) + (facts['counters.server.TcpExt.PAWSEstab'] ?? 0) === 1,
    },
    {
      id: 'same-numbers',
      text: 'each ACK that TIME-WAIT sends carries the numbers of its last one: <SEQ=SND.NXT><ACK=RCV.NXT>',
      source: 'RFC 9293 §3.10.7.4; tcp_v4_timewait_ack() in net/ipv4/tcp_ipv4.c',
      when: (cell) => isAnswered(cell) && !(cell.listener === 'open' && isNewSyn(cell)),
      holds: (facts) => facts.answers === 1 && facts.sameNumbers,
    },
    {
      id: 'fin-again',
      text: 'the FIN once more is acknowledged once more, and the minute begins again',
      source: 'RFC 9293 §3.10.7.4: "Acknowledge it, and restart the 2 MSL timeout"',
      when: ({ arrives, place }) => arrives === 'fin' && place === 'below',
      holds: (facts) => facts.answer === 'ACK' && facts.restarted,
    },
    {
      id: 'old-segment-is-answered',
      text: 'old data, data after the FIN, and an acknowledgement that is not at RCV.NXT are answered by an ACK; the minute begins again, which no RFC asks for',
      source:
        'RFC 9293 §3.10.7.4: not acceptable, "send an acknowledgment"; inet_twsk_reschedule() in tcp_timewait_state_process()',
      when: ({ arrives, place, stamp }) =>
        stamp !== 'older' && (arrives === 'data' || ((arrives === 'ack' || arrives === 'fin') && place !== 'at')),
      holds: (facts) => facts.answer === 'ACK' && facts.after === 'TIME-WAIT' && facts.restarted,
    },
    {
      id: 'ack-keeps-it',
      text: 'a bare acknowledgement at RCV.NXT is not answered, and begins the minute again all the same',
      source: 'tcp_timewait_state_process(): "In window segment, it may be only reset or bare ack"',
      when: ({ arrives, place, stamp }) => arrives === 'ack' && place === 'at' && stamp !== 'older',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && facts.restarted,
    },
    {
      id: 'rst-ends-it',
      text: 'a RST exactly at RCV.NXT ends TIME-WAIT without an answer',
      source: 'RFC 1337 §2; tcp_timewait_state_process(): "This is TIME_WAIT assassination"',
      when: ({ arrives, place, stamp, rfc1337 }) =>
        arrives === 'rst' && place === 'at' && stamp !== 'older' && rfc1337 === 0,
      holds: (facts) => facts.answers === 0 && facts.after === 'nothing' && facts['timeWait.endedBy'] === 'rst',
    },
    {
      id: 'rfc1337-ignores-it',
      text: 'with tcp_rfc1337 = 1 no RST ends it, not one at RCV.NXT either; its minute runs on',
      source: 'RFC 1337 §3 (F1): ignore RST segments in TIME-WAIT',
      when: ({ arrives, rfc1337 }) => arrives === 'rst' && rfc1337 === 1,
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'rst-elsewhere',
      text: 'a RST elsewhere, in the window or outside, is ignored without an answer: no challenge ACK as RFC 5961 has it for one in the window',
      source: 'RFC 5961 §3.2; tcp_timewait_state_process() answers no RST',
      when: ({ arrives, place }) => arrives === 'rst' && place !== 'at',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
    {
      id: 'rst-under-paws',
      text: 'a RST at RCV.NXT with an older timestamp is ignored, though RFC 7323 would have a RST accepted regardless of its timestamp',
      source: 'RFC 7323 §5.2; tcp_paws_reject() in include/net/tcp.h: only after TCP_PAWS_MSL, 60 s',
      when: ({ arrives, stamp }) => arrives === 'rst' && stamp === 'older',
      holds: (facts) => facts.answers === 0 && facts.after === 'TIME-WAIT' && !facts.restarted,
    },
  ],

  answer(outcomes) {
    type Met = (facts: (typeof outcomes)[number]['facts']) => boolean;
    const among = (chosen: typeof outcomes, met: Met) =>
      share(
        chosen.filter(({ facts }) => met(facts)),
        chosen,
      );
    const count = (met: Met) => outcomes.filter(({ facts }) => met(facts)).length;
    const of = (is: (arrives: string) => boolean) => outcomes.filter(({ cell }) => is(cell.arrives));
    const [syns, resets] = [of((arrives) => arrives === 'syn'), of((arrives) => arrives === 'rst')];
    const others = of((arrives) => arrives !== 'syn' && arrives !== 'rst');
    const kinds = [
      { segments: syns, name: 'SYNs' },
      { segments: resets, name: 'RSTs' },
      { segments: others, name: 'others' },
    ].filter(({ segments }) => segments.length > 0);
    const each = (met: Met) => kinds.map(({ segments, name }) => `${among(segments, met)} ${name}`).join(', ');
    return sentence(
      `of ${outcomes.length} segments that reached TIME-WAIT, ${count(({ answer }) => answer === 'ACK')} were answered by an ACK, ` +
        `${count(({ answer }) => answer === 'SYN,ACK')} by SYN-ACK, ${count(({ answers }) => answers === 0)} not at all`,
      `TIME-WAIT was ended by ${each(({ after }) => after === 'nothing')}`,
      `its minute began again for ${each((facts) => facts.after === 'TIME-WAIT' && facts.restarted)}`,
    );
  },
});
