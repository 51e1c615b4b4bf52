import { ack, experiment, fin, kind, rst } from 'lingerlab';
export default experiment({
  id: 'own-rules',
  question: 'Do rules of my own file work?',
  factors: { family: [4, 6] },
  network: 'wire',
  seconds: 1,
  measures: { released: kind.count(), answer: kind.word('RST', 'ACK') },
  async scenario({ client, server, wire, until, look, note }, { family }) {
    const [near, far] = await client.connect(await server.listen({ family }));
    const held = await wire.hold(fin.from('client'), { times: 1 });
    await near.close('destroy');
    await wire.seen(fin.from('client'));
    await held.lift();
    note('released', await held.release());
    await until(near, 'FIN-WAIT-2');
    await far.ended();
    await far.close();
    await until(near, 'TIME-WAIT');
    await until(far, 'CLOSED');
    const forged = await wire.inject({ from: 'server', on: near, flags: ['FIN', 'ACK'], seq: { next: -1 } });
    const answer = await wire.seen(ack.or(rst).from('client'), { after: forged });
    note('answer', answer.segment.flags.includes('RST') ? 'RST' : 'ACK');
    // nobody is left to whom that answer would say anything: its RST ends TIME-WAIT, RFC 1337
    await wire.seen(rst.from('server'), { after: answer });
    if (await look(near)) throw new Error('still there');
  },
  claims: [
    { id: 'answered', text: 'TIME-WAIT answers a FIN', source: 'a test', holds: (facts) => facts.answer === 'ACK' },
  ],
  answer: (outcomes) => String(outcomes.length),
});
