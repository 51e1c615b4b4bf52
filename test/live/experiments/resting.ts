import { experiment } from 'lingerlab';

/** Cells that stay open for as long as a test needs, but for the first. */
const seconds = Number(process.env.LINGERLAB_TEST_RESTS ?? 1);

export default experiment({
  id: 'resting',
  question: 'still there?',
  factors: { n: [1, 2, 3] },
  seconds,
  async scenario({ client, server, rest }, { n }) {
    const listener = await server.listen();
    await client.connect(listener);
    if (n > 1) await rest(seconds);
  },
  claims: [],
  answer: () => 'as asked',
});
