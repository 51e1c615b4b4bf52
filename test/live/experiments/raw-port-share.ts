import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-port-share',
  question: 'Does a bind to another address keep connects from sharing the port?',
  factors: { bound: ['never', 'open', 'closed', 'disconnected'] },
  sysctls: () => ({ 'net.ipv4.ip_local_port_range': '41000 41000' }),
  measures: { bind: kind.outcome(), shared: kind.outcome(), same: kind.outcome(), elsewhere: kind.outcome() },
  async scenario({ client, server, note }, { bound }) {
    const [listener, other] = [await server.listen(), await server.listen()];
    const from = async (at: 'own' | 'other') => {
      const socket = await client.socket();
      await socket.set('IP_BIND_ADDRESS_NO_PORT', true);
      await socket.bind({ at, port: 0 });
      return socket;
    };
    await (await from('own')).connect(listener);
    if (bound !== 'never') {
      const keeps = await client.socket();
      note('bind', said(await keeps.bind({ at: 'other', port: 41000 }).answer()));
      if (bound === 'disconnected') {
        await keeps.connect(listener);
        await keeps.disconnect();
      }
      if (bound !== 'open') await keeps.close();
    }
    note('shared', said(await (await from('own')).connect(other).answer()));
    note('same', said(await (await from('own')).connect(listener).answer()));
    note('elsewhere', said(await (await from('other')).connect(listener).answer()));
  },
  claims: [],
  answer: () => 'as asked',
});
