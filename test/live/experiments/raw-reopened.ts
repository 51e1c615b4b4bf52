import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-reopened',
  question: 'Does a socket connect again after connect(2) to AF_UNSPEC?',
  factors: { bound: [false, true] },
  seconds: 0.5,
  connections: ['first', 'second'],
  measures: { again: kind.outcome(), unconnected: kind.outcome(), error: kind.outcome(), samePort: kind.boolean() },
  async scenario({ client, server, note }, { bound }) {
    const [listener, other] = [await server.listen(), await server.listen()];
    const socket = await client.socket();
    if (bound) await socket.bind();
    const first = await socket.connect(listener, { as: 'first' });
    const far = await listener.accepted(first);
    await first.write(3);
    await far.received(3);
    note('again', said(await socket.connect(other, { as: 'second' }).answer()));
    await socket.disconnect();
    note('unconnected', said(await first.getpeername().answer()));
    note('error', await socket.error());
    await far.gone();
    const second = await socket.connect(other, { as: 'second' });
    note('samePort', second.local.port === first.local.port);
    const next = await other.accepted(second);
    await second.write('hello');
    await next.received(5);
    await socket.disconnect();
    await next.gone();
  },
  claims: [],
  answer: () => 'as asked',
});
