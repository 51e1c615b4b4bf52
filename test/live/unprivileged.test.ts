import { existsSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readRun } from '../../src/record/read.ts';
import { describeWhere } from '../where-possible.ts';
import { descendants, eventually, networkNamespaces, processes } from './processes.ts';
import { bin, own, scratch } from './program.ts';
import { oneColumnMore, pathWith } from './rewritten-ss.ts';

const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--'];
const asNobody = (args: readonly string[], cwd = '/', env: Record<string, string> = {}) =>
  execa('setpriv', [...nobody, process.execPath, bin, ...args], { reject: false, cwd, env: { HOME: cwd, ...env } });

/** Why this machine cannot show it; undefined where it can. */
async function obstacle(): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return 'only root can become another user';
  const readable = await execa('setpriv', [...nobody, 'cat', bin], { reject: false });
  if (readable.failed) return 'another user cannot read this folder';
  const allowed = await execa('setpriv', [...nobody, 'unshare', '--user', '--map-root-user', '--net', 'true'], {
    reject: false,
  });
  return allowed.failed ? `no user namespaces without root: ${allowed.stderr}` : undefined;
}

describeWhere(await obstacle(), 'without root', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 130],
    ['SIGHUP', 130],
    ['SIGKILL', undefined],
  ] as const)('%s to the pid that the shell shows ends the run, saved, with nothing left', async (signal, code) => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const out = join(folder, 'run');
    const namespaces = networkNamespaces();
    const run = asNobody(['run', own('lasting'), '-o', out], folder);
    const pid = run.pid as number;
    await eventually(
      'one cell has finished',
      () => existsSync(join(out, 'cells.ndjson')) && descendants(pid).length > 4,
      60,
    );
    await eventually(
      'its line is saved',
      () => readFileSync(join(out, 'cells.ndjson'), 'utf8').includes('lasting/n=1'),
      60,
    );
    const family = descendants(pid).map((each) => each.pid);
    process.kill(pid, signal);
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(code);
    await eventually('every process of the run is gone', () => !processes().some((each) => family.includes(each.pid)));
    await eventually('every namespace of the run is gone', () => networkNamespaces().isSubsetOf(namespaces));
    const saved = await readRun(out);
    expect([saved.run.status, saved.cells.map(({ id }) => id)]).toEqual(['interrupted', ['lasting/n=1']]);
    expect(existsSync(join(out, 'report.md')), stderr).toBe(true);
  });

  test('where no more processes may be started, the run ends and says so', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const out = join(folder, 'run');
    const run = await execa(
      'prlimit',
      ['--nproc=60', 'setpriv', ...nobody, process.execPath, bin, 'run', 'close-order', '--quick', '-o', out],
      { reject: false, cwd: folder, env: { HOME: folder }, timeout: 90_000 },
    );
    expect(run.exitCode, run.stderr).toBe(1);
    const { run: saved, cells } = await readRun(out);
    expect(saved.status).toBe('complete');
    const reasons = cells.filter(({ status }) => status === 'errored').map(({ reason }) => reason?.code);
    expect(reasons).not.toEqual([]);
    // Node aborts where it cannot start its threads, or never gets to its program; `ss` cannot be started, and nothing else sees sockets
    for (const code of reasons) expect(code).toMatch(/^(PEER_DIED|NO_ANSWER|NOT_OBSERVED)$/);
    await eventually(
      'no process of that user is left',
      () => !processes().some(({ command }) => command.includes(folder)),
    );
  }, 150_000);

  test('doctor says what is missing and what follows', async () => {
    const { stdout, exitCode } = await asNobody(['doctor', '--json']);
    expect(exitCode).toBe(0);
    const { able, privileged, findings } = JSON.parse(stdout);
    expect({ able, privileged }).toEqual({ able: true, privileged: false });
    const tracefs = findings.find(({ id }: { id: string }) => id === 'tracefs');
    expect(tracefs).toMatchObject({
      ok: false,
      consequence: expect.stringContaining('states come from samples of `ss`'),
    });
  });

  test('a cell with another user is unsupported, and the run says why and what to do', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const where = ['-w', 'old=BOUND,LISTEN', '-w', 'reuse=port', '-w', 'held=own'];
    const { exitCode, stdout } = await asNobody(['run', 'listening-port', ...where, '-o', join(folder, 'run')], folder);
    expect(exitCode, stdout).toBe(0);
    const { run, cells } = await readRun(join(folder, 'run'));
    expect(cells.map(({ factors, status }) => `${factors.user} ${status}`).sort()).toEqual([
      'other unsupported',
      'other unsupported',
      'same ran',
      'same ran',
    ]);
    expect(run.notRun).toHaveLength(2);
    expect(run.notRun[0]).toMatchObject({
      code: 'NO_OTHER_USER',
      reason: expect.stringContaining('cannot become another user'),
      remedy: 'run as root',
    });
  });

  test('an answer is made of the results whose facts are known, and says what it was made without', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const { exitCode, stdout } = await asNobody(['run', 'linger-states', '--quick', '-o', join(folder, 'run')], folder);
    expect(exitCode, stdout).toBe(0);
    const { answer } = (await readRun(join(folder, 'run'))).run.experiments[0]!;
    expect(answer).toMatchObject({
      headline: expect.any(String),
      without: {
        results: expect.any(Number),
        of: expect.any(Number),
        reasons: expect.arrayContaining([expect.objectContaining({ is: 'not-observed' })]),
      },
    });
  });

  test('where ss is not understood, and nothing else sees the sockets, cells say so and refute nothing', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const env = { PATH: await pathWith(folder, oneColumnMore) };
    const out = join(folder, 'run');
    await asNobody(['run', 'close-order', '--quick', '-o', out], folder, env);
    const { cells } = await readRun(out);
    expect(cells.length).toBeGreaterThan(0);
    for (const { status, reason, claims, paths } of cells) {
      expect(status).toBe('errored');
      expect(reason?.code).toBe('NOT_OBSERVED');
      expect(reason?.message).toMatch(/^until\(.* 5 samples in a row/);
      expect(claims.filter(({ verdict }) => verdict === 'refuted')).toEqual([]);
      // nothing but what the peers themselves know of their sockets, and no end of one that nobody saw
      const steps = Object.values(paths).flat();
      expect(steps.filter(({ source }) => source !== 'node' && source !== 'tcp_info')).toEqual([]);
      expect(steps.filter(({ state }) => state === 'CLOSED')).toEqual([]);
    }
  });

  test('a peer that cannot become another user answers so', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const file = own('refused-user');
    const { exitCode, stdout } = await asNobody(['run', file, '-o', join(folder, 'run')], folder);
    expect(exitCode, stdout).toBe(0);
    expect((await readRun(join(folder, 'run'))).cells[0]!.facts.refused).toBe('setuid EINVAL');
  });

  test('cells run in a user namespace; who holds TIME-WAIT is known, what only tracepoints see is unknown', async () => {
    const folder = await scratch();
    await chmod(folder, 0o777);
    const where = ['-w', 'closes=client,server', '-w', 'by=end', '-w', 'data=idle', '-w', 'node=half-open'];
    const { exitCode, stdout } = await asNobody(['run', 'close-order', ...where, '-o', join(folder, 'run')], folder);
    expect(exitCode, stdout).toBe(0);
    const { run, cells } = await readRun(join(folder, 'run'));
    expect(run.sessions[0]!.environment.privileged).toBe(false);
    expect(run.warnings.map(({ code }) => code)).toContain('tracepoints-unavailable');
    expect(cells).toHaveLength(4);
    for (const { factors, facts, unknown } of cells) {
      expect(facts['timeWait.holder']).toBe(factors.closes);
      expect(facts['client.path']).toBeNull();
      expect(unknown['client.path']?.text).toContain('tracepoints');
    }
    const claims = Object.fromEntries(run.experiments[0]!.claims.map(({ id, verdict }) => [id, verdict]));
    expect(claims).toMatchObject({ 'first-closer-waits': 'confirmed', 'four-way': 'inconclusive' });
  });
});
