import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, fin, kind } from 'lingerlab';

const onWire = ['carried', 'dropped', 'held', 'stopped', 'translated', 'late'];

/** Steps that a scenario says wrong, or that have no answer; and some beside them that have one. */
export default experiment({
  id: 'refused-steps',
  question: 'what is refused, and where?',
  factors: {
    what: [
      'at',
      'option',
      'end',
      'twice',
      'label',
      'unnamed',
      'refused',
      'reset',
      'closed',
      'carried',
      'dropped',
      'held',
      'stopped',
      'translated',
      'late',
    ],
  },
  network: ({ what }) => (onWire.includes(what) ? 'wire' : 'loopback'),
  seconds: 0.1,
  measures: { got: kind.outcome(), answers: kind.count() },
  async scenario({ client, server, start, until, note, sockets, wire }, { what }) {
    if (what === 'at') await server.bind({ at: 'wildcrad' as never });
    if (what === 'option') await (await server.bind()).set('SO_LINGR' as 'SO_LINGER', 1);
    if (what === 'end') sockets('sever' as 'server');
    if (what === 'twice') await start('client');
    if (what === 'label') await client.connect(await server.listen(), { as: 'old' as never });
    if (what === 'unnamed') await wire.drop(fin);
    if (what === 'refused') await server.listen({ port: (await server.listen()).at.port });
    if (what === 'reset' || what === 'closed') {
      const listener = await server.listen();
      const handed = await listener.handTo(await start('acceptor', 'server'));
      await listener.close();
      const near = await client.open(handed);
      await near.connected();
      await handed.queued(1);
      await near.close(what === 'reset' ? 'resetAndDestroy' : 'destroy');
      await until(near, 'CLOSED', 'FIN-WAIT-2');
      const far = await (await handed.serve()).accepted(near).answer();
      note('got', far.outcome);
      if (far.ok && what === 'reset') await far.value.gone();
    }
    if (!onWire.includes(what)) return;
    if (what === 'translated') {
      await wire.translate();
      await wire.translate({ forgetAfter: 1 });
    }
    const [near, far] = await client.connect(await server.listen());
    if (what === 'late') await wire.translate({ forgetAfter: 2 });
    if (what === 'dropped') await wire.drop(fin.from('client'));
    if (what === 'held') await wire.hold(fin.from('client'));
    await near.close();
    const sent = await wire.seen(fin.from('client'));
    if (what !== 'stopped') note('answers', (await wire.answers(sent)).length);
    // for the test to stop the wire
    else {
      await sleep(3000);
      await wire.seen(fin.from('server'));
    }
    await far.info();
  },
  claims: [],
  answer: () => 'as asked',
});
