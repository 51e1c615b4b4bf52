import { existsSync, writeFileSync } from 'node:fs';
import { experiment } from 'lingerlab';

/** Cells that stay open, but for the first, until a test makes this file, beside which each says that it is open; without one for a second. */
const release = process.env.LINGERLAB_TEST_RELEASE;
const seconds = release ? 60 : 1;

export default experiment({
  id: 'resting',
  question: 'still there?',
  factors: { n: [1, 2, 3] },
  seconds,
  async scenario({ client, server, rest }, { n }) {
    const listener = await server.listen();
    await client.connect(listener);
    if (release) writeFileSync(`${release}-${n}`, '');
    const until = performance.now() + seconds * 1000;
    while (n > 1 && performance.now() < until && !(release && existsSync(release))) await rest(0.1);
  },
  claims: [],
  answer: () => 'as asked',
});
