import { ack, data, experiment, fin, kind, rst, sentence, share } from 'lingerlab';

const sentBytes = 100;

export default experiment({
  id: 'time-wait-assassination',
  question: 'How does a segment that comes late end TIME-WAIT, though nobody means to?',
  tags: ['TIME-WAIT', 'assassination', 'RST', 'tcp_rfc1337', 'RFC 1337', 'old duplicate'],
  symptoms: ['TIME_WAIT disappears early', 'TIME_WAIT ended by RST', 'time wait hazards'],
  factors: {
    // an acknowledgement that its own FIN overtook; a second copy of the data, of the FIN
    late: ['ack', 'data', 'fin'],
    rfc1337: [0, 1],
    listener: ['open', 'closed'],
  },
  only: ({ late, rfc1337, listener }) => listener === 'open' || (late === 'ack' && rfc1337 === 0),
  network: 'wire',
  sysctls: ({ rfc1337 }) => ({ 'net.ipv4.tcp_rfc1337': rfc1337 }),
  measures: {
    answer: { ...kind.word('none', 'ACK', 'RST'), text: 'what TIME-WAIT said to the late segment' },
    resetAt: kind.count({ text: 'how far the RST that came back lay from RCV.NXT' }),
    after: { ...kind.word('TIME-WAIT', 'nothing'), text: 'what ss showed afterwards' },
    again: { ...kind.word('none', 'ACK', 'RST'), text: 'what the FIN once more was answered with' },
  },
  shows: ['answer', 'resetAt', 'after', 'timeWait.endedBy', 'again'],

  async scenario({ client, server, wire, until, look, note }, { late, listener: asked }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    // the client closes first; the server's acknowledgement of its FIN is on the way for long
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
    // it answers, and that meets nobody
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
      text: 'TIME-WAIT answers an old acknowledgement, old data or the FIN that comes late, though the other end has no socket any more',
      source: 'RFC 9293 §3.10.7.4: not acceptable, "send an acknowledgment"',
      holds: (facts) => facts.answer === 'ACK',
    },
    {
      id: 'reset-in-place',
      text: "the other end's kernel knows no such connection and resets the answer, with the answer's own acknowledgement number: exactly RCV.NXT; a listener on its port does the same",
      source: 'RFC 9293 §3.10.7.1 and §3.10.7.2; RFC 1337 §1',
      holds: (facts) => facts.resetAt === 0,
    },
    {
      id: 'assassinated',
      text: 'with tcp_rfc1337 0, the default, that RST ends TIME-WAIT: one late segment is enough',
      source: 'RFC 1337 §2; tcp_rfc1337 = 0 is the default, tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c',
      when: ({ rfc1337 }) => rfc1337 === 0,
      holds: (facts) => facts.after === 'nothing' && facts['timeWait.endedBy'] === 'rst' && facts.again === 'RST',
    },
    {
      id: 'rfc1337-survives',
      text: 'with tcp_rfc1337 1 TIME-WAIT stays, and answers the next FIN',
      source: 'RFC 1337 §3 (F1): ignore RST segments in TIME-WAIT',
      when: ({ rfc1337 }) => rfc1337 === 1,
      holds: (facts) => facts.after === 'TIME-WAIT' && facts.again === 'ACK',
    },
  ],

  answer(outcomes) {
    const ended = ([0, 1] as const).flatMap((value) => {
      const chosen = outcomes.filter(({ cell }) => cell.rfc1337 === value);
      const gone = chosen.filter(({ facts }) => facts.after === 'nothing');
      return chosen.length > 0 ? `in ${share(gone, chosen)} with tcp_rfc1337 ${value}` : [];
    });
    return sentence(
      `a segment that came late, an acknowledgement, data or a FIN, was answered by TIME-WAIT, the answer was reset, and the RST ended ` +
        `TIME-WAIT ${ended.join(', ')}`,
    );
  },
});
