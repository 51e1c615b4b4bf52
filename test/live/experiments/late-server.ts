import { experiment } from 'lingerlab';
export default experiment({
  id: 'late-server',
  question: 'since when?',
  factors: { family: [4, 6] },
  seconds: 64,
  async scenario({ client, server, until, rest }, { family }) {
    const listener = await server.listen({ family });
    const [near, far] = await client.connect(listener);
    await near.close('destroy');
    await until(near, 'FIN-WAIT-2');
    await rest(1.5);
    await far.close('end');
    await until(near, 'CLOSED');
  },
  claims: [],
  answer: () => 'as asked',
});
