import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-ports-used-up',
  question: 'How many connections to two servers fit into two ports, where a client binds before it connects?',
  factors: { noPort: [false, true] },
  sysctls: () => ({ 'net.ipv4.ip_local_port_range': '41000 41001' }),
  measures: { connected: kind.count(), call: kind.outcome(), errno: kind.outcome() },
  async scenario({ client, server, note }, { noPort }) {
    const listeners = [await server.listen(), await server.listen()];
    let connected = 0;
    for (let number = 0; number < 5; number++) {
      const socket = await client.socket();
      await socket.set('IP_BIND_ADDRESS_NO_PORT', noPort);
      const bound = await socket.bind({ port: 0 }).answer();
      const answer = bound.ok ? await socket.connect(listeners[number % 2]!).answer() : bound;
      if (answer.ok) connected++;
      else {
        note('call', answer.syscall);
        note('errno', said(answer));
        break;
      }
    }
    note('connected', connected);
  },
  claims: [],
  answer: () => 'as asked',
});
