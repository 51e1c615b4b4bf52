import { experiment, kind } from 'lingerlab';

/** Connections through a router, and those that a proxy in it ends. */
export default experiment({
  id: 'routed',
  question: 'q',
  factors: { by: ['routing', 'proxy', 'abandoned'], family: [4, 6] },
  only: ({ by, family }) => by !== 'abandoned' || family === 4,
  network: 'routed',
  mtu: 1300,
  seconds: 2,
  connections: ['through', 'onward'],
  measures: { mtu: kind.bytes(), answer: kind.outcome() },
  async scenario({ client, server, start, until, look, abandon, sysctl, note }, { by, family }) {
    const listener = await server.listen({ family });
    if (by === 'proxy') {
      const proxy = await start('proxy', 'router');
      const inward = await proxy.listen({ family });
      const [near, far] = await client.connect(inward, { as: 'through' });
      const [onward, end] = await proxy.connect(listener, { as: 'onward' });
      await far.close();
      await until(near, 'CLOSE-WAIT');
      await near.close();
      await until(far, 'TIME-WAIT');
      note('answer', (await look(far))?.state === 'TIME-WAIT' ? 'ok' : 'none');
      await end.close();
      await until(onward, 'CLOSE-WAIT');
      await onward.close();
      await until(end, 'TIME-WAIT');
    } else {
      const [near, far] = await client.connect(listener, { as: 'through' });
      await near.write(100_000);
      await far.received(100_000);
      const beside = await start('beside', { where: 'router' });
      const forwarding = await beside.exec('cat', ['/proc/sys/net/ipv4/ip_forward']);
      const { stdout } = await forwarding.ended();
      note('answer', stdout === '1\n' && sysctl('net.ipv4.ip_forward')?.value === '0' ? 'ok' : 'none');
      if (by === 'abandoned') await abandon('server');
      else {
        const link = await beside.exec('ip', ['-o', 'link', 'show', 'to-server']);
        note('mtu', Number(/mtu (\d+)/.exec((await link.ended()).stdout)?.[1]));
        await near.close();
        await until(far, 'CLOSE-WAIT');
        await far.close();
        await until(near, 'TIME-WAIT');
      }
    }
  },
  claims: [],
  answer: () => 'so',
});
