import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { experimentFile, lingerlab, live, plainRest, scratch } from './program.ts';

const text = `import { experiment, kind } from 'lingerlab';
export default experiment({
  id: 'open', question: 'what is open?',
  factors: { to: ['listener', 'bound', 'nobody', 'queue', 'itself', 'veth', 'taken'] },
  network: ({ to }) => (to === 'veth' || to === 'taken' ? 'veth' : 'loopback'),
  measures: { answer: kind.outcome(), reached: kind.outcome() },
  async scenario({ client, server, until, note }, { to }) {
    const place = server.place();
    const settle = async (near) => {
      const answer = await near.connected().answer();
      note('answer', answer.ok ? 'ok' : answer.errno);
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
      note('answer', answer.ok ? 'ok' : answer.errno);
    }
  },
  ${plainRest},
});`;

live('connections that are opened', () => {
  let run: ReadRun;
  const factsOf = (to: string) => {
    const cell = run.cells.find(({ factors }) => factors.to === to);
    expect(cell?.reason).toBeUndefined();
    expect(cell?.warnings).toEqual([]);
    return cell?.facts ?? {};
  };
  beforeAll(async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const { stderr, exitCode } = await lingerlab(['run', await experimentFile(folder, 'open.ts', text), '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    run = await readRun(out);
  }, 60_000);

  test('to a listener have the facts of both ends', () => {
    const facts = factsOf('listener');
    expect(facts['client.path']).toEqual(['SYN-SENT', 'ESTABLISHED']);
    expect(facts['server.path']).toEqual(['SYN-RECEIVED', 'ESTABLISHED']);
    expect(facts['client.delivered']).toBe(10);
  });

  test.each(['bound', 'nobody', 'veth'])('are refused where there is no listener: %s', (to) => {
    expect(factsOf(to)).toMatchObject({
      answer: 'ECONNREFUSED',
      reached: 'SYN-SENT',
      'client.path': ['SYN-SENT', 'CLOSED'],
      'client.errors': [{ call: 'connect', errno: 'ECONNREFUSED' }],
    });
  });

  test('to a queue have an end that no process has', () => {
    expect(factsOf('queue')).toMatchObject({ answer: 'ok', 'server.path': ['SYN-RECEIVED', 'ESTABLISHED'] });
  });

  test('to itself are one socket', () => {
    const facts = factsOf('itself');
    expect(facts['client.path']).toEqual([
      'SYN-SENT',
      'SYN-RECEIVED',
      'ESTABLISHED',
      'FIN-WAIT-1',
      'CLOSING',
      'TIME-WAIT',
    ]);
    expect(facts).toMatchObject({ 'client.delivered': 10, 'client.lost': 0, 'timeWait.holder': 'client' });
    expect('server.path' in facts).toBe(false);
  });

  test('from numbers that another connection has are refused by their own kernel', () => {
    expect(factsOf('taken').answer).toBe('EADDRNOTAVAIL');
  });
});
