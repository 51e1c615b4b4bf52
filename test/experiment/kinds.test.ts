import { expect, test } from 'vitest';
import { experiment, finding, is, kind, loadExperiment, type OutcomeOf, range, share } from '../../src/index.ts';

const usual = {
  id: 'usual',
  question: 'q',
  factors: { closer: ['client', 'server'], by: ['end', 'destroy'] },
} as const;
const loads = { ...usual, id: 'loads', load: { repeats: 3 } } as const;

test('an experiment is told apart by the function that declares it', () => {
  const { definition } = experiment({ ...usual, scenario: async () => {}, claims: [], answer: () => '' });
  expect(definition.kind).toBe('scenario');
  const other = loadExperiment({ ...loads, scenario: async () => {}, claims: [], answer: () => '' });
  expect(other.definition.kind).toBe('load');
});

// what follows is checked by the compiler: an error that is expected and does not come is one

experiment({
  ...usual,
  id: 'programs',
  connections: ['old', 'new'],
  needs: () => ['program:python3'],
  async scenario({ client, server, until }) {
    const python = await server.exec('python3', ['-c', 'pass'], { env: { TO: 'x' }, input: 'y' });
    (await python.line(/x/)) satisfies string;
    (await python.ended()).code satisfies number | undefined;
    python.pid satisfies number;
    // @ts-expect-error an argument is a text
    await server.exec('python3', [80]);
    // @ts-expect-error a variable is a text
    await server.exec('python3', [], { env: { PORT: 80 } });
    // @ts-expect-error there is no such option
    await server.exec('python3', [], { cwd: '/' });
    // @ts-expect-error no signal of that name
    await python.signal('SIGNONE');
    const incoming = await (await server.listen()).next({ as: 'new' });
    await until(incoming.other, 'TIME-WAIT');
    const raw = await incoming.raw();
    await until(raw, 'CLOSED');
    const socket = await client.socket();
    (await socket.accept({ as: 'old', wait: false })) satisfies { readonly remote: { readonly port: number } };
    // @ts-expect-error no label of the experiment
    await socket.accept({ as: 'older' });
  },
  claims: [],
  answer: () => '',
});

experiment({
  ...usual,
  id: 'routed',
  network: 'routed',
  mtu: 1400,
  async scenario({ start, client, wire }) {
    const router = await start('router', 'router');
    await router.exec('tc', ['qdisc', 'show']);
    await start('proxy', { where: 'router', uid: 1 });
    // @ts-expect-error no namespace of that name
    await start('elsewhere', 'between');
    // @ts-expect-error an end, not a namespace
    await client.exec(router);
    // @ts-expect-error only the network wire has one
    await wire.lift();
  },
  claims: [],
  answer: () => '',
});

// @ts-expect-error no network of that name
experiment({ ...usual, id: 'bridged', network: 'bridged', scenario: async () => {}, claims: [], answer: () => '' });

experiment({
  ...usual,
  id: 'raw',
  connections: ['old', 'new'],
  async scenario({ client, server, until }) {
    const listener = await server.socket({ family: 6 });
    (await listener.bind({ port: 0 })) satisfies { readonly port: number };
    const socket = await client.socket();
    const near = await socket.connect(listener, { as: 'old' });
    // @ts-expect-error no label of the experiment
    await socket.connect(listener, { as: 'older' });
    const far = await (await server.listen()).accepted(near);
    await until(near, 'CLOSED');
    (await near.read(5)) satisfies string;
    // @ts-expect-error what is polled for has a name of its own
    await near.poll({ for: ['POLLHUP'] });
    // @ts-expect-error net's connect waits for net's accept
    await client.connect(listener);
    await client.join(listener, { as: 'new' });
    await socket.dup2(await far.raw());
  },
  claims: [],
  answer: () => '',
});

experiment({
  ...usual,
  measures: { winner: kind.word('old', 'new') },
  shows: ['client.closeMs', 'winner', 'counters.lab.Tcp.OutRsts'],
  async scenario({ client, server, until, note }, { closer, by }) {
    const [near, far] = await client.connect(await server.listen());
    await (closer === 'client' ? near : far).close(by);
    await until(near, 'CLOSED');
    note('winner', 'old');
    // @ts-expect-error not one of its words
    note('winner', 'neither');
  },
  claims: [
    { id: 'a', text: 't', source: 's', holds: (facts, { by }) => facts['client.closeMs'] < 3 && by === 'end' },
    // @ts-expect-error a load's fact
    { id: 'b', text: 't', source: 's', holds: (facts) => facts['rate.perSecond'] > 0 },
    // @ts-expect-error no value of the factor
    { id: 'c', text: 't', source: 's', holds: (_, { by }) => by === 'half-close' },
  ],
  answer: (outcomes) => outcomes.map(({ facts }) => facts.winner satisfies 'old' | 'new').join(),
});

const asked = { ...usual, connections: ['old', 'new'], measures: { winner: kind.word('old', 'new') } } as const;
/** A function that the definition itself calls. */
const reset = ({ cell, facts }: OutcomeOf<typeof asked>): boolean => {
  // @ts-expect-error no end of a connection without a label
  void facts['client.closedWith'];
  // @ts-expect-error no value of the factor
  void (cell.by === 'half-close');
  return is(facts[`old.${cell.closer}.closedWith`], 'RST') && facts.winner === 'old';
};
const told = experiment({
  ...asked,
  async scenario({ client, server, closeInTurn, note }, { closer, by }) {
    const connecting = await client.connect(await server.listen(), { as: 'old' }).answer();
    if (!connecting.ok) {
      connecting.outcome satisfies string;
      return;
    }
    connecting.outcome satisfies 'ok';
    const [near, far] = connecting.value;
    const { written, unread, unsent } = await near.fill(far, { bytes: 300_000, fill: 'x' });
    (written - unread - unsent) satisfies number;
    // @ts-expect-error an end of the connection
    await near.fill(client);
    note('winner', (await far.unread('kernel', 1)) > 0 ? 'old' : 'new');
    await closeInTurn(closer === 'client' ? near : far, closer === 'client' ? far : near, by);
    // @ts-expect-error no way to close
    await closeInTurn(near, far, 'shutdown');
  },
  claims: [
    { id: 'a', text: 't', source: 's', holds: (facts) => is(facts['new.client.closedWith'], 'FIN', 'RST') },
    // @ts-expect-error no segment that closes
    { id: 'b', text: 't', source: 's', holds: (facts) => is(facts['new.client.closedWith'], 'SYN') },
    // @ts-expect-error no state
    { id: 'c', text: 't', source: 's', holds: (facts) => is(facts['new.client.path'], 'TIME_WAIT') },
  ],
  answer: (outcomes) => `${outcomes.filter(reset).length}`,
});
type Told = OutcomeOf<typeof told>;
(({ cell, facts }: Told) => [cell.closer, facts.winner]) satisfies (
  one: Told,
) => ('client' | 'server' | 'old' | 'new')[];
// @ts-expect-error no value of the factor
(({ cell }: Told) => cell.by === 'half-close') satisfies (one: Told) => boolean;

experiment({
  ...usual,
  // @ts-expect-error a load's
  shows: ['rate.perSecond'],
  // @ts-expect-error throughput is not measured here
  async scenario({ load }) {
    void load;
  },
  claims: [],
  answer: () => '',
});

experiment({
  ...usual,
  // @ts-expect-error repeats of loads
  load: { repeats: 3 },
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

loadExperiment({
  ...loads,
  load: {
    repeats: ({ by }) => (by === 'end' ? 3 : 5),
    baseline: { by: 'destroy' },
    counts: (facts) => facts['cpu.othersShare'] < 0.1,
  },
  network: ({ by }) => (by === 'end' ? 'wire' : 'loopback'),
  measures: { looked: kind.count() },
  shows: ['rate.perSecond', 'looked'],
  async scenario({ load, note, rest, sockets, wire }, { closer, by }) {
    const { perSecond } = await load({ closer, by, seconds: 1 });
    await wire.lift();
    await rest(1);
    note('looked', perSecond + sockets('client').timeWait);
    // @ts-expect-error no way to close
    await load({ by: 'close(2)', seconds: 1 });
  },
  claims: [
    { id: 'a', text: 't', source: 's', holds: (facts, { by }) => facts['load.failed'] === 0 && by !== 'end' },
    // @ts-expect-error of a connection
    { id: 'b', text: 't', source: 's', holds: (facts) => facts['timeWait.holder'] === 'client' },
  ],
  across: [
    {
      id: 'c',
      text: 't',
      source: 's',
      holds: (_, compared) => compared.every(({ cell, baseline, ratio }) => cell.by !== baseline.by && ratio > 1),
    },
  ],
  answer: (outcomes, compared) =>
    [...outcomes.map(({ facts }) => facts['rate.perSecond'] + 1), ...compared.map(({ differs }) => differs)].join(),
});

for (const stage of ['client', 'server', 'until', 'start', 'soon', 'look', 'destroy', 'abandon'] as const)
  loadExperiment({
    ...loads,
    async scenario(given) {
      // @ts-expect-error a load has no peers
      void given[stage];
    },
    claims: [],
    answer: () => '',
  });

loadExperiment({
  ...loads,
  async scenario({ load, wire }) {
    // @ts-expect-error on loopback there is none
    await wire.lift();
    await load({ seconds: 1 });
  },
  claims: [],
  answer: () => '',
});

experiment({
  ...usual,
  measures: { any: kind.words(), some: kind.words('a', 'b') },
  async scenario({ client, server, note }) {
    note('any', ['whatever', 'there is']);
    // @ts-expect-error not one of its words
    note('some', ['c']);
    const listener = await server.listen({ at: { address: '127.0.0.2' }, ipv6Only: true, noPort: true });
    const bound = await server.bind({ at: 'other' });
    // @ts-expect-error an address is written { address }
    await server.bind({ at: '127.0.0.2' });
    const [near] = await client.connect(listener, { localAddress: { address: '127.0.0.3' } });
    // @ts-expect-error no source
    await client.connect(listener, { localAddress: 'wildcard' });
    client.place({ family: 6, port: 80, at: 'other' });
    // @ts-expect-error nobody can connect to every address
    client.place({ at: 'wildcard' });
    const [first] = client.ports(2) satisfies readonly number[];
    await near.set('SO_RCVBUF', first ?? 0);
    await near.set('SO_BINDTODEVICE', client.address({ family: 6 }));
    await near.set('IP_LOCAL_PORT_RANGE', { low: 40_000, high: 40_007 });
    (await near.get('IP_LOCAL_PORT_RANGE')) satisfies { low: number; high: number };
    (await near.get('TCP_CONGESTION')) satisfies string;
    // @ts-expect-error no such option
    await near.set('IP_TOS', 1);
    // @ts-expect-error a name
    await near.set('TCP_CONGESTION', 13);
    // @ts-expect-error on or off
    await near.set('TCP_NODELAY', 1);
    // @ts-expect-error two ports
    await near.set('IP_LOCAL_PORT_RANGE', [40_000, 40_007]);
    await bound.set({ level: 'IPPROTO_IP', name: 2 }, 64);
    await bound.set({ level: 6, name: 13 }, Buffer.from('reno'), { length: 4 });
    (await bound.get({ level: 'IPPROTO_TCP', name: 13 }, 16)) satisfies Uint8Array;
    // @ts-expect-error no level's name
    await bound.set({ level: 'SOL_TCP', name: 1 }, 1);
    // @ts-expect-error a name is a number
    await bound.get({ level: 'IPPROTO_TCP', name: 'TCP_NODELAY' });
    // @ts-expect-error bytes
    await bound.set({ level: 'IPPROTO_TCP', name: 13 }, 'reno');
    // @ts-expect-error of a named option the length is known
    await bound.get('TCP_CONGESTION', 16);
  },
  claims: [
    { id: 'a', text: 't', source: 's', holds: (facts) => facts.any.includes('anything') && facts.some[0] === 'a' },
  ],
  answer: () => '',
});

// @ts-expect-error its repeats are missing
loadExperiment({ ...usual, scenario: async () => {}, claims: [], answer: () => '' });

loadExperiment({
  ...usual,
  // @ts-expect-error no value of the factor
  load: { repeats: 3, baseline: { by: 'linger' } },
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

loadExperiment({
  ...loads,
  // @ts-expect-error of an experiment about connections
  quiet: true,
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

loadExperiment({
  ...loads,
  // @ts-expect-error of an experiment about connections
  race: () => 3,
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

loadExperiment({
  ...loads,
  // @ts-expect-error of an experiment about connections
  connections: ['old', 'new'],
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

loadExperiment({
  ...loads,
  // @ts-expect-error of an experiment about connections
  roles: { closing: () => 'client' },
  scenario: async () => {},
  claims: [],
  answer: () => '',
});

experiment({
  ...usual,
  words: {
    closer: { text: 'which end closes', values: { client: 'the client', server: 'the server' } },
    // @ts-expect-error no value of the factor
    by: { text: 'the call that closes', values: { 'close(2)': 'close(2)' } },
  },
  scenario: async () => {},
  claims: [],
  answer(outcomes) {
    const first = outcomes.filter(({ cell, facts }) => facts['timeWait.holder'] === cell.closer);
    // @ts-expect-error a number of no outcomes says what it rests on
    finding(share(3, 4), 'x');
    // @ts-expect-error no fact
    range(outcomes, ({ facts }) => facts['client.closesMs']);
    return {
      headline: first.length > 0 && 'It does.',
      findings: [
        finding(share(first, outcomes), 'The end that closes first keeps TIME-WAIT.'),
        finding(
          range(outcomes, ({ facts }) => facts['client.closeMs'], { unit: 'ms' }),
          'close() takes this.',
        ),
        finding('0.2 ms', 'close() took this.', first),
        outcomes.length > 3 && finding(`${first.length}`, 'They did.', first),
      ],
    };
  },
});

experiment({
  ...usual,
  factors: { family: [4, 6], isLate: [true, false] },
  words: {
    family: { text: 'IP version', values: { 4: 'IPv4', 6: 'IPv6' } },
    isLate: { text: 'whether it is late', values: { true: 'late', false: 'at once' } },
    // @ts-expect-error no factor
    linger: { text: 'SO_LINGER', values: {} },
  },
  scenario: async () => {},
  claims: [],
  // @ts-expect-error neither a text nor a conclusion
  answer: () => 3,
});
