import { experiment, kind } from 'lingerlab';

/** The client comes again from the same port, upon TIME-WAIT of a server that is gone or still listens. */
export default experiment({
  id: 'challenged',
  question: 'what ends TIME-WAIT of a server?',
  factors: { on: ['wire', 'veth'], listener: ['closed', 'open'] },
  network: ({ on }) => on,
  seconds: 2,
  connections: ['old', 'new'],
  measures: { second: kind.outcome() },
  async scenario({ client, server, until, note }, { listener: asked }) {
    const listener = await server.listen();
    const { at } = client.place();
    const [near, far] = await client.connect(listener, { as: 'old', localPort: at.port });
    await far.close('destroy');
    await near.ended();
    await until(far, 'FIN-WAIT-2');
    await near.close('destroy');
    await until(far, 'TIME-WAIT');
    await until(near, 'CLOSED');
    if (asked === 'closed') await listener.close();
    const again = await client.open(listener, { as: 'new', localPort: at.port });
    const connected = await again.connected().answer();
    note('second', connected.outcome);
  },
  claims: [],
  answer: () => 'as asked',
});
