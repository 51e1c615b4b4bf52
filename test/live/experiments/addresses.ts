import { type BindOptions, experiment, kind, type Source } from 'lingerlab';

/** Where the server listens, and where the client connects from. */
const places = {
  exact: { listens: { at: { address: '127.0.0.2' } }, from: { address: '127.0.0.3' } },
  unbound: { listens: { at: { address: '127.0.0.2' } }, from: undefined },
  mapped: { listens: { at: { address: '::ffff:127.0.0.2' } }, from: { address: '::FFFF:127.0.0.3' } },
  'mapped-wildcard': { listens: { at: { address: '::ffff:0.0.0.0' } }, from: { address: '127.0.0.3' } },
  'ipv6-other': { listens: { family: 6, at: 'other' }, from: 'other' },
  'link-local': { listens: { at: { address: 'fe80::2%veth0' } }, from: { address: 'fe80::1%veth0' } },
} as const satisfies Record<string, { listens: BindOptions; from: Source | undefined }>;
type Name = keyof typeof places;

export default experiment({
  id: 'addresses',
  question: 'Is what happens at an address that a scenario names observed like everything else?',
  factors: {
    place: Object.keys(places) as Name[],
    // 8080: the port that other cells have at the same time
    port: ['own', 8080],
    made: ['net', 'libc'],
  },
  network: ({ place }) => (place === 'link-local' ? 'veth' : 'loopback'),
  measures: {
    listens: kind.outcome({ text: 'where getsockname(2) says that the server listens' }),
    from: kind.outcome({ text: "the client's address" }),
    ends: kind.words(),
  },
  async scenario({ client, server, until, note }, { place, port, made }) {
    const { listens, from } = places[place];
    const listener = await server.listen({
      ...listens,
      ...(port !== 'own' && { port }),
      ...(made === 'libc' && { reuse: 'addr' }),
    });
    note('listens', listener.at.address);
    const [near, far] = await client.connect(listener, from && { localAddress: from });
    note('from', near.local.address);
    await near.write(100);
    await far.received(100);
    await near.close();
    await until(near, 'FIN-WAIT-2');
    await far.ended();
    await far.close();
    await Promise.all([until(near, 'TIME-WAIT'), until(far, 'CLOSED'), far.gone()]);
    note('ends', [near.remote.address, far.local.address]);
  },
  claims: [],
  answer: () => 'as asked',
});
