import { experiment, kind, type Opened } from 'lingerlab';
export default experiment({
  id: 'open',
  question: 'what is open?',
  factors: { to: ['listener', 'bound', 'nobody', 'queue', 'itself', 'veth', 'taken'] },
  network: ({ to }) => (to === 'veth' || to === 'taken' ? 'veth' : 'loopback'),
  measures: { answer: kind.outcome(), reached: kind.outcome() },
  async scenario({ client, server, until, note }, { to }) {
    const place = server.place();
    const settle = async (near: Opened) => {
      const answer = await near.connected().answer();
      note('answer', answer.outcome);
      note('reached', await until(near, 'SYN-SENT'));
      return near;
    };
    if (to === 'listener') {
      const listener = await server.listen();
      const near = await settle(await client.open(listener));
      const far = await listener.accepted(near);
      await near.write(10);
      await far.received(10);
    }
    if (to === 'bound') await settle(await client.open(await server.bind()));
    if (to === 'nobody') await settle(await client.open(place));
    if (to === 'queue') {
      const near = await settle(await client.open(await (await server.bind()).queue()));
      await until(near.other, 'ESTABLISHED');
    }
    if (to === 'itself') {
      const here = client.place();
      const near = await settle(await client.open(here, { localPort: here.at.port }));
      await near.write(10);
      await near.received(10);
      await near.close();
      await until(near, 'TIME-WAIT');
    }
    if (to === 'veth') {
      const here = client.place();
      const near = await client.open(place, { localPort: here.at.port });
      await settle(near);
    }
    if (to === 'taken') {
      const listener = await server.listen();
      const { port: localPort } = client.place().at;
      await client.connect(listener, { localPort });
      const answer = await client.open(listener, { localPort }).answer();
      note('answer', answer.outcome);
    }
  },
  claims: [],
  answer: () => 'as asked',
});
