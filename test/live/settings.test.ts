import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type ReadRun, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('a run under settings of the user', () => {
  const file = own('under-settings');
  let out = '';
  let run: ReadRun;
  let stdout = '';
  beforeAll(async () => {
    const folder = await scratch();
    out = join(folder, 'run');
    const conf = join(folder, 'tuning.conf');
    const lines = ['net.ipv4.tcp_fin_timeout = 20', 'net.ipv4.tcp_max_tw_buckets = 4000', '-net.ipv4.tcp_gone = 1'];
    await writeFile(conf, lines.join('\n'));
    const settings = ['--sysctl', 'net.ipv4.tcp_fin_timeout=10', '--sysctls-from', conf];
    const ran = await lingerlab(['run', file, ...settings, '--out', out]);
    expect(ran.stderr).not.toContain('INTERNAL');
    expect(ran.exitCode).toBe(0);
    stdout = ran.stdout;
    run = await readRun(out);
  }, 60_000);

  test.each(['loopback', 'veth', 'wire'])(
    'has them in both namespaces, unless the experiment sets others: %s',
    (network) => {
      const of = (set: string) =>
        run.cells.find(({ factors }) => factors.own === set && factors.network === network)?.facts;
      expect(of('none')).toMatchObject({ clientTimeout: 10, serverTimeout: 10, buckets: 4000, kernels: 60 });
      expect(of('timeout')).toMatchObject({ clientTimeout: 33, serverTimeout: 33, buckets: 4000 });
    },
  );

  test('keeps them, with what the kernel had made', () => {
    expect(run.run.sessions[0]?.environment.pinned).toMatchObject({
      'net.ipv4.tcp_fin_timeout': { set: '10', own: '60', asked: '10' },
      'net.ipv4.tcp_max_tw_buckets': { set: '4000', asked: '4000' },
    });
  });

  test('warns of the cells whose experiment wins, and of what was left out', () => {
    const overridden = run.cells.filter(({ warnings }) => warnings.some(({ code }) => code === 'sysctl-overridden'));
    expect(overridden.map(({ factors }) => factors.own)).toEqual(['timeout', 'timeout', 'timeout']);
    expect(run.run.warnings).toContainEqual(
      expect.objectContaining({ code: 'sysctl-left-out', text: expect.stringContaining('tuning.conf:3') }),
    );
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'under net.ipv4.tcp_fin_timeout=10, net.ipv4.tcp_max_tw_buckets=4000',
    );
  });

  test('goes on under the same ones', async () => {
    const cells = join(out, 'cells.ndjson');
    const lines = (await readFile(cells, 'utf8')).split('\n');
    const last = JSON.parse(lines.at(-2) ?? '') as { readonly id: string };
    await writeFile(cells, `${lines.slice(0, -2).join('\n')}\n`);
    const saved = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as object;
    await writeFile(join(out, 'run.json'), JSON.stringify({ ...saved, status: 'interrupted' }));
    const { exitCode } = await lingerlab(['run', '--resume', out]);
    expect(exitCode).toBe(0);
    const resumed = await readRun(out);
    expect(resumed.run.sessions).toHaveLength(2);
    const factsIn = ({ cells: all }: ReadRun) => all.find(({ id }) => id === last.id)?.facts;
    expect(factsIn(resumed)).toEqual(factsIn(run));
    expect(resumed.run.warnings).toContainEqual(expect.objectContaining({ code: 'sysctl-left-out' }));
  }, 60_000);
});
