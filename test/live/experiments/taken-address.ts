import { experiment, kind } from 'lingerlab';

export default experiment({
  id: 'taken-address',
  question: 'At which addresses is the port of a client taken?',
  factors: {
    network: ['loopback', 'veth'],
    family: [4, 6],
    left: ['TIME-WAIT', 'ESTABLISHED'],
  },
  only: ({ network, left }) => network === 'loopback' || left === 'TIME-WAIT',
  network: ({ network }) => network,
  measures: { own: kind.outcome(), wildcard: kind.outcome(), other: kind.outcome(), from: kind.outcome() },
  async scenario({ client, server, until, note }, { family, left }) {
    const [near, far] = await client.connect(await server.listen({ family }));
    if (left === 'TIME-WAIT') {
      await near.close('destroy');
      await until(near, 'FIN-WAIT-2');
      await far.close();
      await until(near, 'TIME-WAIT');
    }
    for (const at of ['own', 'wildcard', 'other'] as const) {
      const answer = await client.bind({ family, at, port: near.local.port, reuse: 'addr' }).answer();
      note(at, answer.outcome);
      if (answer.ok) await answer.value.close();
    }
    note('from', near.local.address === client.place({ family }).at.address ? 'own' : near.local.address);
  },
  claims: [],
  answer: () => 'as asked',
});
