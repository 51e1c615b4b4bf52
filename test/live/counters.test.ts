import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { experimentFile, lingerlab, live, scratch } from './program.ts';

const file = `import { experiment } from 'lingerlab';
export default experiment({
  id: 'absent', question: 'what of a counter that is not there?', factors: { network: ['loopback', 'veth'] },
  network: ({ network }) => network,
  shows: ['counters.client.TcpExt.NoSuchThing', 'counters.lab.TcpExt.TCPAbortOnLinger'],
  async scenario({ client, server, until }) {
    const [near, far] = await client.connect(await server.listen());
    await near.close('destroy');
    await until(near, 'FIN-WAIT-2');
    await far.close();
    await until(far, 'CLOSED');
  },
  claims: [
    {
      id: 'absent', text: 'no such thing happened', source: 'a typing error',
      holds: (facts, { network }) => facts[\`counters.\${network === 'veth' ? 'client' : 'lab'}.TcpExt.NoSuchThing\`] === 0,
    },
    {
      id: 'unchanged', text: 'no linger time-out', source: 'linger is off',
      holds: (facts, { network }) => facts[\`counters.\${network === 'veth' ? 'client' : 'lab'}.TcpExt.TCPAbortOnLinger\`] === 0,
    },
  ],
  across: [
    {
      id: 'nowhere', text: 'nowhere', source: 'a typing error',
      holds: (cells) => cells.filter(({ cell }) => cell.network === 'loopback').every(({ facts }) => facts['counters.lab.TcpExt.NoSuchThing'] === 0),
    },
  ],
  answer: (cells) => \`changed by \${cells[0].facts['counters.lab.Tcp.NoSuchThing']}\`,
});`;

live('a counter that the kernel does not have', () => {
  test('is unknown: what reads it is inconclusive, where one that did not change is 0', async () => {
    const folder = await scratch();
    const path = await experimentFile(folder, 'absent.ts', file);
    const out = join(folder, 'run');
    const { exitCode, stdout } = await lingerlab(['run', path, '--out', out]);
    expect(exitCode, stdout).toBe(0);
    const { run, cells } = await readRun(out);
    expect(run.sessions[0]?.environment.counters).toContain('TcpExt.TCPAbortOnLinger');
    for (const { factors, facts, unknown, claims } of cells) {
      const space = factors.network === 'veth' ? 'client' : 'lab';
      expect(claims).toMatchObject([
        {
          id: 'absent',
          verdict: 'inconclusive',
          detail: {
            on: 'no-value',
            fact: `counters.${space}.TcpExt.NoSuchThing`,
            is: 'not-observed',
            code: 'no-such-counter',
            why: 'this kernel has no such counter',
          },
        },
        { id: 'unchanged', verdict: 'confirmed' },
      ]);
      expect(facts['counters.client.TcpExt.NoSuchThing']).toBeNull();
      expect(unknown['counters.client.TcpExt.NoSuchThing']?.code).toBe('no-such-counter');
    }
    const [experiment] = run.experiments;
    expect(experiment?.answer).toMatchObject({
      headline: null,
      because: { code: 'left-out' },
      without: { reasons: [{ fact: 'counters.lab.Tcp.NoSuchThing', is: 'not-observed' }] },
    });
    expect(experiment?.claims.find(({ id }) => id === 'nowhere')?.verdict).toBe('inconclusive');
    expect((await lingerlab(['check', path])).stdout).toMatch(
      /fits\n\S+:5:12: counters\.client\.TcpExt\.NoSuchThing: this kernel/,
    );
  });
});
