import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { builtins } from '../../src/catalogue/registry.ts';
import { readRun } from '../../src/record/read.ts';
import { packageRoot } from '../../src/record/tool.ts';
import { experimentFile, lingerlab, live, plainRest, scratch } from './program.ts';

const minutes = 60_000;

/** The user's own Node: what `node` is without the pinned one in front. */
const systemPath = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .join(':');

live('the package', () => {
  test('packed and installed globally elsewhere, it runs a user’s experiment under the pinned Node', {
    timeout: 5 * minutes,
  }, async () => {
    const folder = await scratch();
    const env = { PATH: systemPath, npm_config_update_notifier: 'false' };
    const npm = (args: readonly string[], cwd: string) => execa('npm', args, { cwd, env });
    await execa('make', ['pack', `ARGS=--pack-destination=${folder}`], { cwd: packageRoot() });
    const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    const global = ['--global', '--prefix', folder, '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await npm(['install', ...global, join(folder, archive!)], folder);
    const installed = join(folder, 'bin', 'lingerlab');
    await access(installed);

    const file = await experimentFile(
      folder,
      'mine.ts',
      `import { experiment } from 'lingerlab';
      export default experiment({
        id: 'mine', question: 'mine?', factors: { n: [1] },
        async scenario({ client, server }) { await client.connect(await server.listen()); },
        claims: [], answer: () => \`run by \${process.version}\`,
      });`,
    );
    const run = await execa(installed, ['run', file, '-q', '-o', join(folder, 'run')], {
      cwd: folder,
      env,
      reject: false,
    });
    expect(run.stderr).not.toContain('INTERNAL');
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^mine: run by v24\./);
    await execa(installed, ['new', 'begun'], { cwd: folder, env });
    const begun = await execa(installed, ['check', './begun.ts'], { cwd: folder, env });
    expect(begun.stdout).toBe('./begun.ts: fits');
    const listed = await execa(installed, ['list', '--json'], { cwd: '/', env });
    const here = (await builtins()).map(({ definition }) => definition.id);
    expect((JSON.parse(listed.stdout) as { id: string }[]).map(({ id }) => id)).toEqual(here);

    // its compiled files are the same experiments as their sources, to whoever compares; this one has modules beside it
    const cell = 'resets-at-each-state/place=at,state=ESTABLISHED,family=4';
    await execa(installed, ['run', cell, '-q', '-o', join(folder, 'compiled')], { cwd: folder, env });
    await lingerlab(['run', cell, '-q', '-o', join(folder, 'sources')]);
    const hashes = async (out: string) =>
      (await readRun(join(folder, out))).run.experiments.map(({ id, sourceHash }) => [id, sourceHash]);
    expect(await hashes('compiled')).toEqual(await hashes('sources'));
  });
});

describe('a user’s own experiment', () => {
  const text = (value: string) => `import { experiment } from 'lingerlab';
    export default experiment({
      id: 'own', question: 'q', factors: { linger: ['off', 'zero'] },
      async scenario({ client, server }, { linger }) {
        const [near] = await client.connect(await server.listen());
        await near.set('SO_LINGER', linger === '${value}' ? 0 : 'off');
      },
      ${plainRest},
    });`;

  test('that compares a factor with a value it does not have is a compile error under `check`', async () => {
    const folder = await scratch();
    const wrong = await lingerlab(['check', await experimentFile(folder, 'wrong.ts', text('none'))]);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stdout).toContain('wrong.ts');
    expect(wrong.stdout).toContain('\'"none"\'');
    const right = await lingerlab(['check', await experimentFile(folder, 'right.ts', text('zero'))]);
    expect(right.stdout).toContain('fits');
    expect(right.exitCode).toBe(0);
  });
});
