import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { makingMs } from '../../src/observers/trace/tracefs.ts';
import { readRun } from '../../src/record/read.ts';
import { traceInstances } from './instances.ts';
import { descendants, eventually, networkNamespaces, processes } from './processes.ts';
import { bin, lingerlab, live, own, scratch } from './program.ts';

const alive = (pids: readonly number[]) => processes().filter(({ pid }) => pids.includes(pid));

/** A run with three of its four cells in their middle: six peers, and those of the first, which may wait for another cell. */
async function inTheMiddle(out: string, file: string) {
  const sign = join(await scratch(), 'open');
  const run = lingerlab(['run', file, '--out', out], { env: { LINGERLAB_TEST_OPEN: sign } });
  const pid = run.pid as number;
  await eventually(
    'one cell has finished and three are waiting',
    () =>
      existsSync(join(out, 'cells.ndjson')) &&
      readFileSync(join(out, 'cells.ndjson'), 'utf8').includes('lasting/n=1') &&
      [2, 3, 4].every((n) => existsSync(`${sign}-${n}`)),
    50,
  );
  return { run, pid, family: descendants(pid) };
}

live('a run that is killed', () => {
  test('SIGKILL with a stopped peer leaves no process and no namespace, and what finished can be read', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const before = networkNamespaces();
    const { run, pid, family } = await inTheMiddle(out, own('lasting'));
    expect(networkNamespaces().difference(before).size).toBeGreaterThanOrEqual(3);
    const peer = family.find(({ command }) => command.includes('peers/main'))!;
    process.kill(peer.pid, 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    await run;
    await eventually('every process of the run is gone', () => alive(family.map((each) => each.pid)).length === 0);
    await eventually('every namespace of the run is gone', () => networkNamespaces().isSubsetOf(before));

    const { run: saved, cells, live: stillLive } = await readRun(out);
    expect(saved.status).toBe('interrupted');
    expect(stillLive).toBe(false);
    expect(cells.map(({ id }) => id)).toEqual(['lasting/n=1']);
  });

  test('a peer that was stopped before Node started in it does not stay either', async () => {
    const folder = await scratch();
    const before = networkNamespaces();
    const run = lingerlab(['run', 'close-order', '--out', join(folder, 'run')]);
    const pid = run.pid as number;
    let peer: number | undefined;
    await eventually('a peer has just started', () => {
      const fresh = descendants(pid).find(({ command }) => command.includes('peers/main'));
      if (fresh) process.kill(fresh.pid, 'SIGSTOP');
      peer = fresh?.pid;
      return fresh !== undefined;
    });
    const family = descendants(pid).map((each) => each.pid);
    process.kill(pid, 'SIGKILL');
    await run;
    await eventually('every process of the run is gone', () => alive([...family, peer as number]).length === 0);
    await eventually('every namespace of the run is gone', () => networkNamespaces().isSubsetOf(before));
  });

  test('a trace instance that a killed observer left is removed by the next run', async () => {
    const folder = await scratch();
    const before = await traceInstances();
    const { run, pid, family } = await inTheMiddle(join(folder, 'run'), own('lasting'));
    const observer = family.find(({ command }) => command.includes('observers/process/main'))!;
    process.kill(pid, 'SIGSTOP');
    process.kill(observer.pid, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    await run;
    const died = performance.now();
    await eventually('every process of the run is gone', () => alive(family.map((each) => each.pid)).length === 0);
    const left = (await traceInstances()).filter((name) => !before.includes(name));
    expect(left).toHaveLength(1);
    // a younger one may be a run's that is just making it
    await eventually('it is old enough to be removed', () => performance.now() - died > makingMs);

    const { stdout } = await lingerlab(['doctor', '--json']);
    expect(JSON.parse(stdout).reaped).toEqual(left);
    expect(await traceInstances()).not.toContain(left[0]);
  });
});

live('a run that is interrupted', () => {
  test('Ctrl-C twice still cleans up, exits with 130 and --resume finishes the rest', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const { run, pid, family } = await inTheMiddle(out, own('lasting'));
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGINT');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    expect(stdout).toContain('Interrupted');
    expect(alive(family.map((each) => each.pid))).toEqual([]);
    expect((await readRun(out)).cells).toHaveLength(1);
    expect(existsSync(join(out, 'report.md'))).toBe(true);

    const resumed = await lingerlab(['run', '--resume', out], { env: { LINGERLAB_TEST_FAST: '1' } });
    expect(resumed.stderr).not.toContain('INTERNAL');
    expect(resumed.exitCode).toBe(0);
    const { run: saved, cells } = await readRun(out);
    expect(saved.status).toBe('complete');
    expect(saved.sessions).toHaveLength(2);
    expect(cells.map(({ status }) => status)).toEqual(['ran', 'ran', 'ran', 'ran']);
  });
});

/** The blocks of 1,024 ports in which the listeners of a run were, by its trace. */
async function blocksOf(out: string): Promise<Set<number>> {
  const names = await readdir(join(out, 'cells'), { recursive: true });
  const events = names.filter((name) => name.endsWith('events.ndjson.gz'));
  const lines = events.flatMap((name) =>
    gunzipSync(readFileSync(join(out, 'cells', name)))
      .toString()
      .trim()
      .split('\n'),
  );
  const ports = lines
    .map((line) => JSON.parse(line))
    .filter(({ kind, to }) => kind === 'transition' && to === 'LISTEN')
    .map(({ local }) => local.port);
  return new Set(ports.map((port) => Math.floor((port - 10_240) / 1024)));
}

live('two runs at once', () => {
  test('do not see each other', async () => {
    const folder = await scratch();
    const outs = ['a', 'b'].map((name) => join(folder, name));
    const select = ['--where', 'closes=client,server', '--where', 'node=half-open'];
    const runs = await Promise.all(outs.map((out) => lingerlab(['run', 'close-order', ...select, '--out', out])));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    for (const out of outs) {
      const { cells } = await readRun(out);
      expect(cells.length).toBeGreaterThan(20);
      // soundness is checked in every run: a foreign socket would be a chain too many
      expect(cells.flatMap(({ warnings }) => warnings)).toEqual([]);
    }
    const compared = await lingerlab(['compare', ...outs, '--fail-on', 'behaviour', '--json']);
    expect(JSON.parse(compared.stdout)).toMatchObject({ behaviour: 0, differences: [] });
  });

  test('in containers of their own, with other processes and another /tmp, take other ports and see nothing of each other', async () => {
    const folder = await scratch();
    const select = ['--where', 'closes=client,server', '--where', 'node=half-open', '--where', 'by=end'];
    const contained = (name: string) =>
      execa(
        'unshare',
        [
          ...['--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c'],
          `mkdir ${folder}/${name}; mount --bind ${folder}/${name} /tmp; exec "$@"`,
          ...[
            'sh',
            process.execPath,
            bin,
            'run',
            'close-order',
            ...select,
            '--out',
            `/var/tmp/${basename(folder)}-${name}`,
          ],
        ],
        { reject: false },
      );
    const outs = ['a', 'b'].map((name) => `/var/tmp/${basename(folder)}-${name}`);
    try {
      const runs = await Promise.all(['a', 'b'].map(contained));
      expect(runs.map(({ exitCode, stderr }) => (exitCode === 0 ? 'ok' : stderr))).toEqual(['ok', 'ok']);
      const listened: Set<number>[] = [];
      for (const out of outs) {
        const { cells } = await readRun(out);
        expect(cells.length).toBeGreaterThan(4);
        expect(cells.flatMap(({ warnings }) => warnings)).toEqual([]);
        listened.push(await blocksOf(out));
      }
      expect(listened.map(({ size }) => size)).toEqual([1, 1]);
      expect([...listened[0]!].filter((block) => listened[1]!.has(block))).toEqual([]);
    } finally {
      for (const out of outs) await rm(out, { recursive: true, force: true });
    }
  });
});
