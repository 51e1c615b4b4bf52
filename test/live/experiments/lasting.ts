import { writeFileSync } from 'node:fs';
import { experiment } from 'lingerlab';

/** Each cell makes a file of this name when its connection is open. */
const sign = process.env.LINGERLAB_TEST_OPEN;

/** Cells that keep a connection open for a minute: there is a middle in which to be killed. */
export default experiment({
  id: 'lasting',
  question: 'still there?',
  factors: { n: [1, 2, 3, 4] },
  seconds: 60,
  async scenario({ client, server, rest }, { n }) {
    const listener = await server.listen();
    await client.connect(listener);
    if (sign) writeFileSync(`${sign}-${n}`, '');
    // whoever resumes the run need not wait again
    if (n > 1) await rest(process.env.LINGERLAB_TEST_FAST ? 0.1 : 60);
  },
  claims: [],
  answer: () => 'as asked',
});
