import { type Answer, experiment, kind, syn } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.errno);

export default experiment({
  id: 'raw-states',
  question: 'What does each call say in a state that it is not for?',
  factors: { state: ['unbound', 'bound', 'listening', 'connecting', 'refused', 'connected', 'closed'], family: [4, 6] },
  only: ({ state, family }) => family === 4 || state === 'connected',
  network: ({ state }) => (state === 'connecting' ? 'wire' : 'loopback'),
  measures: { calls: kind.outcome(), again: kind.outcome() },
  async scenario({ client, server, wire, note }, { state, family }) {
    const place = server.place({ family });
    const listener = await server.listen({ family });
    const socket = await client.socket({ family });
    if (state === 'bound') await socket.bind();
    if (state === 'listening') await socket.listen();
    if (state === 'connecting') {
      await wire.drop(syn);
      await socket.open(place);
    }
    if (state === 'refused') {
      const near = await socket.open(place);
      await near.poll({ for: ['POLLOUT'], within: 5 });
      note('again', await near.error());
    }
    if (state === 'connected') await socket.connect(listener);
    if (state === 'closed') await socket.close();
    const calls: Record<string, () => { answer(): Promise<Answer<unknown>> }> = {
      read: () => socket.read(1, { wait: false }),
      write: () => socket.write(1, { wait: false }),
      accept: () => socket.accept({ wait: false }),
      getpeername: () => socket.getpeername(),
      open: () => socket.open(listener),
      listen: () => socket.listen(),
      bind: () => socket.bind(),
      shutdown: () => socket.shutdown('WR'),
    };
    const answers: string[] = [];
    for (const [name, call] of Object.entries(calls)) answers.push(`${name} ${said(await call().answer())}`);
    note('calls', answers.join(', '));
  },
  claims: [],
  answer: () => 'as asked',
});
