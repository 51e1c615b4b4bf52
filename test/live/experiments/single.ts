import { experiment } from 'lingerlab';

/** One connection that is closed. */
export default experiment({
  id: 'single',
  question: '?',
  factors: {},
  async scenario({ client, server, until }) {
    const [near] = await client.connect(await server.listen());
    await near.close('resetAndDestroy');
    await until(near, 'CLOSED');
  },
  claims: [],
  answer: () => 'as asked',
});
