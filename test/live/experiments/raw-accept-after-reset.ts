import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-accept-after-reset',
  question: 'What does accept(2) give of a connection that was reset while it waited?',
  factors: { client: ['net', 'raw'] },
  measures: {
    accepted: kind.outcome(),
    sameClient: kind.boolean(),
    name: kind.outcome(),
    first: kind.outcome(),
    second: kind.outcome(),
    again: kind.outcome(),
  },
  async scenario({ client, server, until, note }, cell) {
    const listener = await server.socket();
    await listener.bind();
    await listener.listen();
    const near = await (cell.client === 'net' ? client.join(listener) : (await client.socket()).connect(listener));
    await near.set('SO_LINGER', 0);
    await ('resume' in near ? near.close('destroy') : near.close());
    await until(near, 'CLOSED');
    const answer = await listener.accept().answer();
    note('accepted', said(answer));
    if (!answer.ok) return;
    const far = answer.value;
    note('sameClient', far.remote.port === near.local.port && far.remote.address === near.local.address);
    note('name', said(await far.getpeername().answer()));
    note('first', said(await far.read(10).answer()));
    note('second', said(await far.read(10).answer()));
    note('again', said(await listener.accept({ wait: false }).answer()));
    await far.close();
  },
  claims: [],
  answer: () => 'as asked',
});
