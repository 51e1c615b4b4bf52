import { experiment, kind } from 'lingerlab';

export default experiment({
  id: 'my-question',
  question: 'Which end is left in TIME-WAIT?',
  factors: { closes: ['client', 'server'], linger: ['off', 'zero'] },
  measures: { winner: kind.word('old', 'new') },
  async scenario({ client, server, until, note }, { closes, linger }) {
    const listener = await server.listen();
    const [near, far] = await client.connect(listener);
    const [first, second] = closes === 'client' ? [near, far] : [far, near];
    if (linger === 'zero') await first.set('SO_LINGER', 0);
    await first.close();
    await until(second, 'CLOSE-WAIT', 'CLOSED');
    note('winner', 'old');
    await second.close();
  },
  claims: [
    {
      id: 'first-closer-waits',
      text: 'the end that closes first keeps TIME-WAIT',
      source: 'RFC 9293 §3.6.1',
      when: (cell) => cell.linger === 'off',
      holds: (facts, cell) => facts['timeWait.holder'] === cell.closes,
    },
  ],
  answer: (outcomes) => `${outcomes.length} cells`,
});
