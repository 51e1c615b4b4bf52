import { ack, data, experiment, fin, finding, kind, rst, share } from 'lingerlab';

const sentBytes = 100;

export default experiment({
  id: 'time-wait-assassination',
  question: 'Can a late segment end TIME-WAIT early?',
  tags: ['TIME-WAIT', 'assassination', 'RST', 'tcp_rfc1337', 'RFC 1337', 'old duplicate'],
  symptoms: ['TIME_WAIT disappears early', 'TIME_WAIT ended by RST', 'time wait hazards'],
  factors: {
    late: ['ack', 'data', 'fin'],
    rfc1337: [0, 1],
    listener: ['open', 'closed'],
  },
  words: {
    late: {
      text: 'the segment that arrives late',
      values: {
        ack: "an ACK that the server's own FIN overtook",
        data: 'a second copy of the data',
        fin: 'a second copy of the FIN',
      },
    },
    rfc1337: {
      text: 'net.ipv4.tcp_rfc1337',
      values: { 0: '0, the default: a RST at RCV.NXT ends TIME-WAIT', 1: '1: TIME-WAIT ignores every RST' },
    },
    listener: { text: "the server's listener", values: { open: 'still listens', closed: 'is closed' } },
  },
  only: ({ late, rfc1337, listener }) => listener === 'open' || (late === 'ack' && rfc1337 === 0),
  network: 'wire',
  sysctls: ({ rfc1337 }) => ({ 'net.ipv4.tcp_rfc1337': rfc1337 }),
  measures: {
    answer: { ...kind.word('none', 'ACK', 'RST'), text: 'how TIME-WAIT answered the late segment' },
    resetAt: kind.count({
      text: "distance of the RST's sequence number from the one that TIME-WAIT expects (RCV.NXT)",
    }),
    after: { ...kind.word('TIME-WAIT', 'nothing'), text: 'what ss showed after that RST' },
    again: { ...kind.word('none', 'ACK', 'RST'), text: 'how a second copy of the FIN was answered after that' },
  },
  shows: ['answer', 'resetAt', 'after', 'timeWait.endedBy', 'again'],

  async scenario({ client, server, wire, until, look, note }, { late, listener: asked }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    // the client closes first; the wire holds the server's ACK of its FIN back
    const held = late === 'ack' ? await wire.hold(ack.from('server').withAck(2), { times: 1 }) : undefined;
    await near.close();
    if (held) await wire.seen(ack.from('server').withAck(2));
    await far.ended();
    await far.close('end', { sending: sentBytes });
    await near.received(sentBytes);
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), near.gone(), far.gone()]);
    if (asked === 'closed') await listener.close();

    const last = await wire.seen(fin.from('server').on(near));
    const closing = await wire.seen(
      ack
        .from('client')
        .withAck(sentBytes + 2)
        .on(near),
    );
    const comes = late === 'ack' ? ack.withAck(2) : late === 'data' ? data : fin;
    const old = await wire.seen(comes.from('server').on(near));
    if (held) await held.release();
    else await wire.replay(old);
    // TIME-WAIT answers, and the server has no socket for the answer
    const answer = await wire.seen(ack.or(rst).from('client').on(near), { after: closing });
    note('answer', answer.segment.flags.join() as 'ACK');
    const reset = await wire.seen(rst.from('server').on(near), { after: answer });
    note('resetAt', (reset.segment.absolute.seq - closing.segment.absolute.ack) >>> 0);
    await wire.answers(reset);
    note('after', (await look(near))?.state === 'TIME-WAIT' ? 'TIME-WAIT' : 'nothing');
    const [again] = await wire.answers(await wire.replay(last));
    note('again', (again?.segment.flags.join() ?? 'none') as 'none');
  },

  claims: [
    {
      id: 'answered',
      text: 'TIME-WAIT answers a late ACK, late data or a late FIN with an ACK, though the other end has no socket any more',
      source: 'RFC 9293 §3.10.7.4: not acceptable, "send an acknowledgment"',
      holds: (facts) => facts.answer === 'ACK',
    },
    {
      id: 'reset-in-place',
      text: "the other end's kernel answers the ACK of TIME-WAIT with a RST, whose sequence number is exactly the one that TIME-WAIT expects; a listener on the port changes nothing",
      source: 'RFC 9293 §3.10.7.1 and §3.10.7.2; RFC 1337 §1',
      holds: (facts) => facts.resetAt === 0,
    },
    {
      id: 'assassinated',
      text: 'with tcp_rfc1337 0, the default, that RST ends TIME-WAIT, and a RST answers a later FIN',
      source: 'RFC 1337 §2; tcp_rfc1337 = 0 is the default, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ rfc1337 }) => rfc1337 === 0,
      holds: (facts) => facts.after === 'nothing' && facts['timeWait.endedBy'] === 'rst' && facts.again === 'RST',
    },
    {
      id: 'rfc1337-survives',
      text: 'with tcp_rfc1337 1, TIME-WAIT stays and answers the next FIN',
      source: 'RFC 1337 §3 (F1): ignore RST segments in TIME-WAIT',
      when: ({ rfc1337 }) => rfc1337 === 1,
      holds: (facts) => facts.after === 'TIME-WAIT' && facts.again === 'ACK',
    },
  ],

  guide: [
    {
      about: { tcp_rfc1337: 'measured' },
      claim: 'rfc1337-survives',
      text: 'With tcp_rfc1337 1, TIME-WAIT ignores the RST that a late segment causes, and answers the next FIN.',
    },
    {
      id: 'without-it-a-late-segment-ends-it',
      about: { tcp_rfc1337: 'measured' },
      claim: 'assassinated',
      text: 'With tcp_rfc1337 0, the default, a late segment ends TIME-WAIT: the RST to the ACK of TIME-WAIT removes it.',
    },
  ],

  answer(outcomes) {
    const usual = outcomes.filter(({ cell }) => cell.rfc1337 === 0);
    const strict = outcomes.filter(({ cell }) => cell.rfc1337 === 1);
    const gone = (of: typeof outcomes) => of.filter(({ facts }) => facts.after === 'nothing');
    const stayed = (of: typeof outcomes) => of.filter(({ facts }) => facts.after === 'TIME-WAIT');
    const reset = gone(outcomes).filter(({ facts }) => facts.again === 'RST');
    const always = usual.length > 0 && gone(usual).length === usual.length;
    return {
      headline: !always
        ? `A late segment ended TIME-WAIT in ${share(gone(outcomes), outcomes)} cases.`
        : strict.length > 0 && stayed(strict).length === strict.length
          ? 'A late segment can end TIME-WAIT by a RST, unless tcp_rfc1337 is 1.'
          : 'A late segment can end TIME-WAIT early by a RST.',
      findings: [
        finding(
          share(gone(usual), usual),
          'With tcp_rfc1337 0, the default, TIME-WAIT answers a late segment with an ACK, and the RST of the other end to that ACK ends TIME-WAIT.',
        ),
        finding(share(stayed(strict), strict), "With tcp_rfc1337 1, TIME-WAIT ignores the other end's RST."),
        finding(
          share(reset, gone(outcomes)),
          'Once TIME-WAIT has ended early, a FIN that is sent again gets a RST instead of an ACK.',
        ),
      ],
    };
  },
});
