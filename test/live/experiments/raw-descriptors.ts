import { experiment, kind } from 'lingerlab';

export default experiment({
  id: 'raw-descriptors',
  question: 'What is a socket beyond its descriptor?',
  factors: { family: [4, 6] },
  connections: ['one', 'two'],
  measures: {
    kept: kind.outcome(),
    full: kind.outcome(),
    rest: kind.bytes(),
  },
  async scenario({ client, server, until, note }, { family }) {
    const listener = await server.listen({ at: 'wildcard', family });
    const first = await client.socket({ family });
    await first.set('TCP_USER_TIMEOUT', 7000);
    const one = await first.connect(listener, { as: 'one' });
    const two = await (await client.socket({ family })).connect(listener, { as: 'two' });
    const far = [await listener.accepted(one), await listener.accepted(two)] as const;
    const copy = await one.dup();
    await one.close();
    note('kept', (await far[0].info()).state);
    await copy.write('from its copy');
    await far[0].received(13);
    await two.dup2(copy);
    await far[0].ended();
    await far[0].close();
    await far[1].stopReading();
    let part = 0;
    for (let full = false; !full; ) {
      const answer = await copy.write(1_000_000, { wait: false }).answer();
      full = !answer.ok;
      if (answer.ok) part += answer.value;
      else note('full', answer.errno);
    }
    const [rest] = await Promise.all([copy.write(4_000_000), far[1].resume()]);
    note('rest', rest);
    await far[1].received(part + rest);
    await copy.close();
    await two.shutdown('WR');
    await far[1].ended();
    await far[1].close();
    await until(two, 'TIME-WAIT');
  },
  claims: [],
  answer: () => 'as asked',
});
