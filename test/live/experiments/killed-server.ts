import { experiment, kind } from 'lingerlab';

/** A server is killed, and another process listens on its port as soon as the kill has taken effect. */
export default experiment({
  id: 'killed-server',
  question: 'Is the port of a server free when its SIGKILL has taken effect?',
  factors: { by: ['signal', 'end'] },
  measures: { first: kind.outcome() },
  quiet: true,
  race: () => 6,
  async scenario({ server, start, note }, { by }) {
    const next = await start('next', 'server');
    const listener = await server.listen();
    await (by === 'end' ? server.end('SIGKILL') : server.signal('SIGKILL'));
    const answer = await next.listen({ port: listener.at.port }).answer();
    note('first', answer.outcome);
  },
  claims: [],
  answer: (outcomes) => `free in ${outcomes.filter(({ facts }) => facts.first === 'ok').length} of ${outcomes.length}`,
});
