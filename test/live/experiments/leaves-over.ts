import { experiment } from 'lingerlab';

/** What a scenario can leave to the process of its client. */
export default experiment({
  id: 'leaves-over',
  question: 'what is left?',
  factors: { left: ['nothing', 'open', 'continued', 'stopped', 'survives'] },
  async scenario({ client, server }, { left }) {
    const [near, far] = await client.connect(await server.listen());
    if (left === 'nothing') await near.close();
    if (left === 'open') {
      // its end would block for a minute where nobody reads
      await near.set('SO_LINGER', 60);
      await near.fill(far);
    }
    if (left === 'continued') {
      await client.signal('SIGSTOP');
      await client.signal('SIGCONT');
    }
    if (left === 'stopped') await client.signal('SIGSTOP');
    if (left === 'survives') await client.survive('SIGUSR2');
  },
  claims: [],
  answer: () => 'as asked',
});
