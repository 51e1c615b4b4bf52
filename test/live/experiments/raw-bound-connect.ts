import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-bound-connect',
  question: 'Can a client connect again from the port that it was bound to?',
  factors: { reuse: [false, true], timestamps: [0, 1] },
  sysctls: ({ timestamps }) => ({ 'net.ipv4.tcp_timestamps': timestamps }),
  connections: ['first', 'second'],
  measures: { bind: kind.outcome(), connect: kind.outcome() },
  async scenario({ client, server, until, note }, { reuse }) {
    const listener = await server.listen();
    const { port } = client.place().at;
    const first = await client.socket();
    await first.set('SO_REUSEADDR', reuse);
    await first.bind({ port });
    const near = await first.connect(listener, { as: 'first' });
    const far = await listener.accepted(near);
    await near.close();
    await far.ended();
    await far.close();
    await until(near, 'TIME-WAIT');
    const second = await client.socket();
    await second.set('SO_REUSEADDR', reuse);
    const bound = await second.bind({ port }).answer();
    note('bind', said(bound));
    if (bound.ok) note('connect', said(await second.connect(listener, { as: 'second' }).answer()));
  },
  claims: [],
  answer: () => 'as asked',
});
