import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processState } from '../../src/native/process-state.ts';
import { readRun } from '../../src/record/read.ts';
import { descendants, eventually, processes } from './processes.ts';
import { experimentFile, lingerlab, live, plainRest, scratch } from './program.ts';

live('a peer that is started as another user', () => {
  test('is that user, in the namespace it was to be in', async () => {
    const folder = await scratch();
    const file = await experimentFile(
      folder,
      'users.ts',
      `import { readFileSync, readlinkSync } from 'node:fs';
        import { experiment, kind } from 'lingerlab';
        const uidOf = (pid: number) => Number(/^Uid:\\s+(\\d+)/m.exec(readFileSync(\`/proc/\${pid}/status\`, 'utf8'))![1]);
        const spaceOf = (pid: number) => readlinkSync(\`/proc/\${pid}/ns/net\`);
        export default experiment({
          id: 'users', question: 'who?', factors: {}, network: 'veth', needs: () => ['another-user'],
          measures: { own: kind.count(), other: kind.count(), there: kind.boolean() },
          async scenario({ server, start, note }) {
            const other = await start('other', { where: 'server', uid: 65534 });
            note('own', uidOf(server.pid));
            note('other', uidOf(other.pid));
            note('there', spaceOf(other.pid) === spaceOf(server.pid));
          },
          ${plainRest},
        });`,
    );
    const out = join(folder, 'run');
    const { exitCode, stdout } = await lingerlab(['run', file, '--out', out]);
    expect(exitCode, stdout).toBe(0);
    const { cells } = await readRun(out);
    expect(cells[0]!.facts).toMatchObject({ own: 0, other: 65_534, there: true });
  });

  test('ends with the run, though that is killed and the peer stopped', async () => {
    const folder = await scratch();
    const file = await experimentFile(
      folder,
      'lasting.ts',
      `import { experiment } from 'lingerlab';
        export default experiment({
          id: 'lasting', question: 'still there?', factors: {}, seconds: 60,
          async scenario({ start, rest }) {
            const other = await start('other', { uid: 65534 });
            await other.signal('SIGSTOP');
            await rest(60);
          },
          ${plainRest},
        });`,
    );
    const run = lingerlab(['run', file, '--out', join(folder, 'run')]);
    const pid = run.pid as number;
    const stopped = () =>
      descendants(pid).find((each) => each.command.includes('"other"') && processState(each.pid) === 'T');
    await eventually('the other peer is stopped', () => stopped() !== undefined);
    const family = descendants(pid).map((each) => each.pid);
    process.kill(pid, 'SIGKILL');
    await run;
    await eventually('every process of the run is gone', () => !processes().some((each) => family.includes(each.pid)));
  });
});
