import { experiment, kind } from 'lingerlab';

/** Addresses and ports that the kernel or the program refuses, and places that nobody listens at. */
export default experiment({
  id: 'missing-address',
  question: 'What becomes of an address that is not there?',
  factors: {},
  network: 'veth',
  connections: ['placed'],
  measures: {
    net: kind.outcome(),
    libc: kind.outcome(),
    source: kind.outcome(),
    device: kind.outcome(),
    free: kind.outcome(),
    others: kind.outcome(),
    ports: kind.count(),
    place: kind.words(),
    only: kind.words(),
    noPort: kind.words(),
  },
  async scenario({ client, server, until, note }) {
    const at = { address: '192.0.2.1' };
    note('net', (await server.listen({ at }).answer()).outcome);
    note('libc', (await server.bind({ at }).answer()).outcome);
    note('device', (await server.bind({ at: { address: 'fe80::1%nothing' } }).answer()).outcome);
    const listener = await server.listen({ at: { address: server.address({ at: 'other' }) } });
    note('source', (await client.connect(listener, { localAddress: at }).answer()).outcome);
    try {
      client.place({ at: { address: '10.64.255.1' } });
    } catch (error) {
      note('others', (error as Error).message);
    }

    // a chosen port, and the listener of every address that is reached at the other one
    const [first, second, ...more] = client.ports(3);
    note('ports', new Set([first, second, ...more]).size);
    const wildcard = await server.listen({ at: 'wildcard', port: first! });
    const near = await client.open(server.place({ at: 'other', port: first! }), {
      as: 'placed',
      localAddress: 'other',
      localPort: second!,
    });
    await near.connected();
    const far = await wildcard.accepted(near);
    note('place', [
      far.local.address === server.address({ at: 'other' }) ? 'other' : far.local.address,
      near.local.port === second ? 'chosen' : 'another',
    ]);
    await near.close('destroy');
    await far.ended();
    await far.close();
    await until(near, 'TIME-WAIT');

    const only: string[] = [];
    for (const ipv6Only of [true, false])
      for (const reuse of [undefined, 'none'] as const) {
        const six = await server.listen({ family: 6, at: 'wildcard', ipv6Only, ...(reuse && { reuse }) });
        only.push((await client.knock(six, { family: 4 }).answer()).outcome);
        only.push((await client.knock(six, { family: 6 }).answer()).outcome);
      }
    note('only', only);
    const late = await server.listen({ port: 0, noPort: true });
    note('noPort', [
      late.at.port > 0 ? 'chosen' : 'none',
      `SO_REUSEADDR ${await late.get('SO_REUSEADDR')}`,
      (await client.knock(late).answer()).outcome,
    ]);
  },
  claims: [],
  answer: () => 'as asked',
});
