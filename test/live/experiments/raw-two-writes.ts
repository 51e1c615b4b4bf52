import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? String(answer.value) : answer.errno);

export default experiment({
  id: 'raw-two-writes',
  question: "What do two writes after the other end's close return?",
  factors: { unread: [0, 3] },
  measures: { first: kind.outcome(), second: kind.outcome(), third: kind.outcome(), poll: kind.outcome() },
  async scenario({ client, server, until, note }, { unread }) {
    const listener = await server.listen();
    const near = await (await client.socket()).connect(listener);
    const far = await listener.accepted(near);
    await far.stopReading();
    await near.write(unread);
    if (unread > 0) await far.unread('kernel', unread);
    await far.close('destroy');
    await until(near, 'CLOSE-WAIT', 'CLOSED');
    note('first', said(await near.write('x').answer()));
    await until(near, 'CLOSED');
    note('second', said(await near.write('x').answer()));
    note('third', said(await near.write('x').answer()));
    note('poll', (await near.poll()).join());
    await near.close();
  },
  claims: [],
  answer: () => 'as asked',
});
