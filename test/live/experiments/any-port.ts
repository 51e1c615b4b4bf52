import { type Endpoint, experiment, kind, type Listener, type Peer } from 'lingerlab';

/** Every way for a scenario to have a port that is not of the run's block; 8080 is named by most cells at once. */
const ways: Readonly<
  Record<string, (server: Peer, where: { family: 4 | 6; at: 'own' | 'wildcard' | 'other' }) => Promise<Listener>>
> = {
  named: (server, where) => server.listen({ ...where, port: 8080 }),
  chosen: (server, where) => server.listen({ ...where, port: 0 }),
  bound: async (server, where) => (await server.bind({ ...where, port: 8080 })).listen(),
  'bound-chosen': async (server, where) => (await server.bind({ ...where, port: 0, noPort: true })).listen(),
};

export default experiment({
  id: 'any-port',
  question: 'Is every socket observed, whatever its port and its address?',
  factors: {
    network: ['loopback', 'veth', 'wire'],
    family: [4, 6],
    at: ['own', 'wildcard', 'other'],
    port: ['named', 'chosen', 'bound', 'bound-chosen'],
    // of ephemeral ports; `listeners`: those among which the program's own listeners are
    range: ['kernel', 'listeners'],
  },
  only: ({ network, family, at, port, range }) =>
    range === 'listeners'
      ? (network !== 'wire' && at === 'own' && port === 'named') ||
        (network === 'loopback' && port === 'chosen' && at === 'wildcard')
      : network === 'loopback'
        ? port === 'named' || (family === 6 && at === 'own')
        : (port === 'named' && at === 'wildcard') || (port === 'chosen' && at === 'own' && family === 6),
  network: ({ network }) => network,
  sysctls: ({ range }): Record<string, string> =>
    range === 'kernel' ? {} : { 'net.ipv4.ip_local_port_range': '10240 32767' },
  connections: ['first', 'same'],
  measures: { from: kind.outcome() },
  shows: ['first.timeWait.holder', 'same.timeWait.holder'],
  async scenario({ client, server, until, note }, { port, family, at }) {
    const listener = await (ways[port] as (typeof ways)[string])(server, { family, at });
    const close = async (near: Endpoint, far: Endpoint): Promise<void> => {
      await near.close('destroy');
      await until(near, 'FIN-WAIT-2');
      await far.close();
      await until(near, 'TIME-WAIT');
    };
    await close(...(await client.connect(listener, { as: 'first' })));
    // the port of the client's end is the same in all cells
    const [near, far] = await client.connect(listener, { as: 'same', localPort: 9090 });
    note('from', near.local.address === client.place({ family }).at.address ? 'own' : near.local.address);
    await close(far, near);
    await client.knock(listener);
  },
  claims: [],
  answer: () => 'as asked',
});
