import { experiment } from 'lingerlab';

/** Cells that keep a connection open for a minute: there is a middle in which to be killed. */
export default experiment({
  id: 'lasting',
  question: 'still there?',
  factors: { n: [1, 2, 3, 4] },
  seconds: 60,
  async scenario({ client, server, rest }, { n }) {
    const listener = await server.listen();
    await client.connect(listener);
    // whoever resumes the run need not wait again
    if (n > 1) await rest(process.env.LINGERLAB_TEST_FAST ? 0.1 : 60);
  },
  claims: [],
  answer: () => 'as asked',
});
