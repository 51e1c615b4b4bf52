import { expect, test } from 'vitest';
import { experiment, kind, loadExperiment } from '../../src/index.ts';

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
