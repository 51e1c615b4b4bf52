import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-listens-after',
  question: 'Does a socket listen after connect(2)?',
  factors: { before: ['nothing', 'refused', 'connection'] },
  seconds: 0.5,
  connections: ['first', 'second'],
  measures: { listens: kind.outcome() },
  async scenario({ client, server, until, note }, { before }) {
    const [socket, listener] = [await client.socket(), await server.listen()];
    if (before === 'refused') await listener.close();
    if (before !== 'nothing') {
      const first = await socket.connect(listener, { as: 'first' }).answer();
      if (first.ok) await listener.accepted(first.value);
      await socket.disconnect();
    }
    const listens = await socket.listen().answer();
    note('listens', said(listens));
    if (!listens.ok) return;
    const near = await client.open(socket, { as: 'second' });
    await (await socket.accept()).close();
    await near.ended();
    await near.close();
    await until(near, 'CLOSED');
  },
  claims: [],
  answer: () => 'as asked',
});
