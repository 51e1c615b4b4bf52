import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-two-clients',
  question: 'Do two clients with SO_REUSEADDR share one port?',
  factors: { reuse: ['both', 'second', 'none'], port: ['chosen', 'any'], autobind: [0, 1] },
  sysctls: ({ autobind }) => ({
    'net.ipv4.ip_autobind_reuse': autobind,
    'net.ipv4.ip_local_port_range': '41000 41000',
  }),
  measures: { bind: kind.outcome(), same: kind.outcome(), other: kind.outcome() },
  async scenario({ client, server, note }, { reuse, port }) {
    const [listener, other] = [await server.listen(), await server.listen()];
    const first = await client.socket();
    await first.set('SO_REUSEADDR', reuse === 'both');
    await first.bind({ port: port === 'any' ? 0 : 41000 });
    const bindOneMore = async () => {
      const socket = await client.socket();
      await socket.set('SO_REUSEADDR', reuse !== 'none');
      return { socket, bound: await socket.bind({ port: port === 'any' ? 0 : 41000 }).answer() };
    };
    const second = await bindOneMore();
    note('bind', said(second.bound));
    if (!second.bound.ok) return;
    const third = await bindOneMore();
    await first.connect(listener);
    note('other', said(await second.socket.connect(other).answer()));
    note('same', said(await third.socket.connect(listener).answer()));
  },
  claims: [],
  answer: () => 'as asked',
});
