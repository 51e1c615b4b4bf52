import { experiment } from 'lingerlab';

/** One claim that this kernel refutes. */
export default experiment({
  id: 'refuted',
  question: 'q',
  factors: {},
  async scenario({ client, server, until }) {
    const [near, far] = await client.connect(await server.listen());
    await near.close();
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await until(far, 'CLOSED');
  },
  claims: [{ id: 'never', text: 'never so', source: 'a test', holds: (facts) => facts['timeWait.holder'] === 'both' }],
  answer: () => 'so',
});
