import { experiment, kind } from 'lingerlab';
export default experiment({
  id: 'places',
  question: 'where?',
  factors: { net: ['loopback', 'veth'], family: [4, 6], at: ['own', 'wildcard', 'other'], reuse: ['net', 'none'] },
  network: ({ net }) => net,
  measures: { result: kind.outcome(), address: kind.outcome(), port: kind.count() },
  async scenario({ client, server, note }, { family, at, reuse }) {
    const bound = await server.bind({ family, port: 0, noPort: true });
    note('port', bound.at.port);
    await bound.close();
    const answer = await server.listen({ family, at, ...(reuse === 'none' && { reuse }) }).answer();
    note('result', answer.outcome);
    if (!answer.ok) return;
    note('address', answer.value.at.address);
    await client.knock(answer.value);
    await answer.value.close();
    const again = await client.knock(answer.value).answer();
    if (again.ok) throw new Error('someone listens still');
  },
  claims: [],
  answer: () => 'as asked',
});
