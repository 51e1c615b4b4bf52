import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? String(answer.value) : answer.errno);

export default experiment({
  id: 'raw-taken',
  question: "What do calls on a net socket's descriptor say, while net has it and when it has not?",
  factors: { net: ['has-it', 'destroyed-it'] },
  measures: {
    name: kind.outcome(),
    read: kind.outcome(),
    empty: kind.outcome(),
    accept: kind.outcome(),
    waiting: kind.outcome(),
    error: kind.outcome(),
    cleared: kind.outcome(),
    closed: kind.outcome(),
  },
  async scenario({ client, server, until, note }, { net }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const raw = await near.raw();
    if (net === 'destroyed-it') await near.close('destroy');
    await raw.write('ab');
    await far.received(2);
    await far.write(5, { fill: 'hello' });
    note('read', said(await raw.read(3).answer()) + said(await raw.read(9).answer()));
    note('empty', said(await raw.read(9, { wait: false }).answer()));
    note('name', String((await raw.getpeername()).port === listener.at.port));
    const socket = await listener.raw();
    note('accept', said(await socket.accept({ wait: false }).answer()));
    const waiting = socket.accept();
    const last = await client.join(socket);
    note('waiting', String((await waiting).remote.port === last.local.port));
    await far.set('SO_LINGER', 0);
    await far.close('destroy');
    await raw.poll({ for: ['POLLRDHUP'], within: 5 });
    note('error', await raw.error());
    note('cleared', await raw.error());
    // it is this end of the connection, whatever net has made of its own socket
    await until(raw, 'CLOSED');
    await raw.close();
    note('closed', said(await raw.read(1).answer()));
    await until(far, 'CLOSED');
  },
  claims: [],
  answer: () => 'as asked',
});
