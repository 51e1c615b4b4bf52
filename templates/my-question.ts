// lingerlab check ./my-question.ts                 checks types, missing awaits and what is defined
// lingerlab run ./my-question.ts                   runs each cell on real sockets, and prints where the report is
// lingerlab run ./my-question.ts --repeat 20       runs each cell 20 times
// lingerlab show RUN my-question/closes=client     shows one cell, event by event; RUN is the folder of the run
import { experiment } from 'lingerlab';

export default experiment({
  id: 'my-question',
  question: 'Which end keeps TIME-WAIT?',
  // each combination of factor values is a cell, which runs in network namespaces of its own
  factors: { closes: ['client', 'server'] },
  // what the peers do in each cell: every step is awaited
  async scenario({ client, server, until }, { closes }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const [first, second] = closes === 'client' ? [near, far] : [far, near];
    await first.close();
    await until(second, 'CLOSE-WAIT');
    await second.close();
    await until(second, 'CLOSED');
  },
  // columns of the report's table
  shows: ['timeWait.holder', 'client.path', 'server.path'],
  // what should be so; the run says of each whether it held
  claims: [
    {
      id: 'first-closer-waits',
      text: 'the end that closes first keeps TIME-WAIT',
      source: 'RFC 9293 §3.6.1',
      holds: (facts, { closes }) => facts['timeWait.holder'] === closes,
    },
  ],
  // one sentence, made from facts: other facts give another sentence
  answer: (outcomes) => {
    const waits = outcomes.filter(({ cell, facts }) => facts['timeWait.holder'] === cell.closes);
    return `The end that closed first kept TIME-WAIT in ${waits.length} of ${outcomes.length} closes.`;
  },
});
