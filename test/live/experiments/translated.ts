import { data, experiment, kind, rst } from 'lingerlab';

/** What a NAT between the ends leaves of facts, and what it does with what it has forgotten. */
export default experiment({
  id: 'translated',
  question: 'are facts right of ends that know each other by other addresses?',
  factors: { way: ['closed', 'opened', 'forgotten', 'reset', 'forged', 'two', 'told'], family: [4, 6] },
  network: 'wire',
  seconds: 1,
  measures: { known: kind.boolean(), mappings: kind.count(), ended: kind.outcome() },
  connections: ['old', 'second'],
  async scenario({ client, server, wire, until, note }, { way, family }) {
    const nat = await wire.translate({ afterwards: way === 'reset' ? 'reset' : 'drop' });
    const listener = await server.listen({ family });
    const as = 'old';
    const open = async () => {
      const opened = await client.open(listener, { as, family });
      return [opened, await listener.accepted(opened)] as const;
    };
    const [near, far] = way === 'opened' ? await open() : await client.connect(listener, { as, family });
    const [first] = await nat.mappings();
    note(
      'known',
      far.remote.address === nat.address[family] &&
        far.remote.port === first?.outside.port &&
        first.inside.port === near.local.port &&
        far.remote.address !== near.local.address,
    );
    if (way === 'closed' || way === 'opened' || way === 'two') {
      if (way === 'two') await client.connect(listener, { as: 'second', family });
      await near.write(3);
      await far.received(3);
      await far.write(5);
      await near.received(5);
      // by either end's addresses
      await wire.seen(data.from('server').on(far));
      await wire.seen(data.from('server').on(near));
      await near.close('destroy');
      await until(far, 'CLOSE-WAIT');
      await far.close('destroy');
      await until(near, 'TIME-WAIT');
      await until(far, 'CLOSED');
      note('ended', 'ok');
    } else if (way === 'forged') {
      await wire.inject({ from: 'client', on: far, flags: ['RST'] });
      const ended = await far.ended().answer();
      note('ended', ended.ok ? 'ok' : ended.errno);
      await until(far, 'CLOSED');
    } else if (way === 'told') {
      // quoted, too, are the addresses that the server knows
      await far.set('TCP_USER_TIMEOUT', 300);
      await wire.drop(data);
      await far.write(1);
      await wire.icmp(await wire.seen(data), 'port-unreachable');
      const ended = await far.ended().answer();
      note('ended', ended.ok ? 'ok' : ended.errno);
    } else {
      await nat.forget();
      await far.write(1);
      const sent = await wire.seen(data.from('server'));
      if (way === 'reset') {
        const ended = await far.ended().answer();
        note('ended', ended.ok ? 'ok' : ended.errno);
      } else {
        await near.write(1);
        await wire.seen(rst.from('server'), { after: sent });
        const ended = await near.ended().answer();
        note('ended', ended.ok ? 'ok' : ended.errno);
        await until(near, 'CLOSED');
      }
    }
    note('mappings', (await nat.mappings()).length);
  },
  claims: [],
  answer: () => 'as asked',
});
