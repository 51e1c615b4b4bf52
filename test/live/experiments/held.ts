import { experiment } from 'lingerlab';
export default experiment({
  id: 'held',
  question: 'seen by both?',
  factors: {},
  seconds: 2,
  async scenario({ client, server, until, rest }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    await near.shutdown('WR');
    await until(near, 'FIN-WAIT-2');
    await rest(1);
    await far.close();
    await until(far, 'CLOSED');
    await near.close('close(2)');
  },
  claims: [],
  answer: () => 'as asked',
});
