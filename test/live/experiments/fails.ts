import { experiment } from 'lingerlab';

const forever = (): Promise<never> => new Promise(() => undefined);

/** Every way in which a scenario can fail, and one cell that does not. */
export default experiment({
  id: 'fails',
  question: 'what?',
  seconds: 0.1,
  factors: {
    how: [
      'goes-well',
      'throws',
      'is-refused-a-step',
      'does-not-await',
      'kills-its-peer',
      'never-ends',
      'waits-for-nothing',
      'throws-late',
      'rejects-late',
      'has-no-such-label',
      'notes-what-is-not-declared',
    ],
  },
  async scenario({ client, server, until, note }, { how }) {
    if (how === 'throws') throw new Error('on purpose');
    if (how === 'is-refused-a-step') {
      const other = await server.listen();
      await server.listen({ port: other.at.port });
    }
    if (how === 'does-not-await') {
      const [near] = await client.connect(await server.listen());
      void near.received(1);
    }
    if (how === 'kills-its-peer') {
      const listener = await server.listen();
      process.kill(client.pid, 'SIGKILL');
      await client.connect(listener);
    }
    if (how === 'never-ends') await forever();
    if (how === 'waits-for-nothing') {
      const [near] = await client.connect(await server.listen());
      await until(near, 'CLOSING');
    }
    if (how === 'throws-late') {
      setTimeout(() => {
        throw new Error('late');
      }, 1);
      await client.listen();
      await forever();
    }
    if (how === 'rejects-late') {
      void (async () => {
        throw new Error('lost');
      })();
      await forever();
    }
    if (how === 'has-no-such-label') await client.connect(await server.listen(), { as: 'old' as never });
    if (how === 'notes-what-is-not-declared') note('nothing' as never, 1 as never);
  },
  claims: [],
  answer: () => 'as asked',
});
