import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-listener-shutdown',
  question: 'What becomes of the connections that wait when a listener is shut down?',
  factors: { how: ['RD', 'WR', 'RDWR'], by: ['raw', 'net'] },
  connections: ['queued', 'later', 'last'],
  measures: {
    shutdown: kind.outcome(),
    read: kind.outcome(),
    accept: kind.outcome(),
    later: kind.outcome(),
    last: kind.outcome(),
  },
  async scenario({ client, server, until, note }, { how, by }) {
    const listener = by === 'net' ? await (await server.listen()).raw() : await server.socket();
    if (by === 'raw') await listener.bind();
    if (by === 'raw') await listener.listen({ backlog: 8 });
    const near = await (await client.socket()).connect(listener, { as: 'queued' });
    note('shutdown', said(await listener.shutdown(how).answer()));
    if (how !== 'WR') await until(near, 'CLOSED');
    note('read', said(await near.read(10, { wait: false }).answer()));
    note('accept', said(await listener.accept({ wait: false }).answer()));
    const later = await client.socket();
    note('later', said(await later.connect(listener, { as: 'later' }).answer()));
    await listener.listen();
    note('last', said(await later.connect(listener, { as: 'last' }).answer()));
  },
  claims: [],
  answer: () => 'as asked',
});
