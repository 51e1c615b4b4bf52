import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { experimentFile, lingerlab, live, plainRest, scratch } from './program.ts';

const minutes = 60_000;

live('a socket made by libc', () => {
  test('is reached wherever it listens, and one whose port the kernel chooses takes no event of another cell', {
    timeout: 2 * minutes,
  }, async () => {
    const folder = await scratch();
    const file = await experimentFile(
      folder,
      'places.ts',
      `import { experiment, kind } from 'lingerlab';
        export default experiment({
          id: 'places', question: 'where?',
          factors: { net: ['loopback', 'veth'], family: [4, 6], at: ['own', 'wildcard', 'other'], reuse: ['net', 'none'] },
          network: ({ net }) => net,
          measures: { result: kind.outcome(), address: kind.outcome(), port: kind.count() },
          async scenario({ client, server, note }, { family, at, reuse }) {
            const bound = await server.bind({ family, port: 0, noPort: true });
            note('port', bound.at.port);
            await bound.close();
            const answer = await server.listen({ family, at, ...(reuse === 'none' && { reuse }) }).answer();
            note('result', answer.ok ? 'ok' : answer.errno);
            if (!answer.ok) return;
            note('address', answer.value.at.address);
            await client.knock(answer.value);
            await answer.value.close();
            const again = await client.knock(answer.value).answer();
            if (again.ok) throw new Error('someone listens still');
          },
          ${plainRest},
        });`,
    );
    const out = join(folder, 'run');
    const { exitCode, stderr } = await lingerlab(['run', file, '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    expect(exitCode).toBe(0);
    const { cells } = await readRun(out);
    expect(cells).toHaveLength(24);
    for (const { factors, facts, warnings } of cells) {
      expect(warnings).toEqual([]);
      expect(facts.port).toBe(0);
      const none = factors.net === 'loopback' && factors.family === 6 && factors.at === 'other';
      expect(facts.result).toBe(none ? 'EADDRNOTAVAIL' : 'ok');
      if (factors.at === 'wildcard') expect(facts.address).toBe(factors.family === 4 ? '0.0.0.0' : '::');
    }
  });
});
