import { type Answer, experiment, kind } from 'lingerlab';

const said = (answer: Answer<unknown>) => (answer.ok ? String(answer.value) : answer.errno);

export default experiment({
  id: 'raw-two-reads',
  question: 'What do two reads after a reset return?',
  factors: { by: ['connect', 'raw'] },
  measures: {
    poll: kind.outcome(),
    before: kind.outcome(),
    first: kind.outcome(),
    second: kind.outcome(),
    name: kind.outcome(),
    later: kind.outcome(),
  },
  async scenario({ client, server, until, note }, { by }) {
    const listener = await server.listen();
    const near = by === 'connect' ? await (await client.socket()).connect(listener) : undefined;
    const [net, accepted] = near ? [undefined, await listener.accepted(near)] : await client.connect(listener);
    const raw = near ?? (await net!.raw());
    await accepted.write(4);
    await raw.poll({ for: ['POLLIN'], within: 5 });
    await accepted.set('SO_LINGER', 0);
    await accepted.close('destroy');
    await until(near ?? net!, 'CLOSED');
    note('poll', (await raw.poll()).join());
    note('name', said(await raw.getpeername().answer()));
    note('before', await raw.read(100));
    note('first', said(await raw.read(100).answer()));
    note('second', said(await raw.read(100).answer()));
    note('later', (await raw.poll()).join());
    await raw.close();
  },
  claims: [],
  answer: () => 'as asked',
});
