import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { cpuOf } from '../../src/native/cpu.ts';
import type { Event } from '../../src/record/event.ts';
import { readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { descendants, eventually, networkNamespaces, processes } from './processes.ts';
import { experimentFile, lingerlab, live, own, scratch } from './program.ts';

/** The run with its processes, once its load goes. */
async function atWork(out: string) {
  const run = lingerlab(['run', own('lasting-load'), '-o', out]);
  const family = () => descendants(run.pid as number);
  await eventually(
    'the load is at work',
    () => {
      const load = family().filter(({ command }) => command.includes('load/main'));
      // more than the warm-up takes, twice repeated
      return load.length === 2 && load.every(({ pid }) => (cpuOf(pid) ?? 0) > 3);
    },
    30,
  );
  return { run, family: family() };
}
const gone = (family: readonly { readonly pid: number }[]) =>
  eventually('every process of the run is gone', () =>
    processes().every(({ pid }) => !family.some((each) => each.pid === pid)),
  );

live('a load', () => {
  test('that is killed with its harness leaves no process and no namespace, stopped ones too', async () => {
    const folder = await scratch();
    const before = networkNamespaces();
    const { run, family } = await atWork(join(folder, 'run'));
    const server = family.find(({ command }) => command.includes('load/main'));
    process.kill(server?.pid as number, 'SIGSTOP');
    process.kill(run.pid as number, 'SIGKILL');
    await run;
    await gone(family);
    await eventually('every namespace is gone', () => networkNamespaces().isSubsetOf(before));
  });

  test('that is interrupted ends at once, with its processes, and the run says so', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const before = networkNamespaces();
    const { run, family } = await atWork(out);
    process.kill(run.pid as number, 'SIGINT');
    const { exitCode, durationMs } = await run;
    expect(exitCode).toBe(130);
    expect(durationMs).toBeLessThan(40_000);
    expect((await readRun(out)).run.status).toBe('interrupted');
    await gone(family);
    await eventually('every namespace is gone', () => networkNamespaces().isSubsetOf(before));
  });

  test('whose server dies is an errored cell, and the next one has another', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const { run, family } = await atWork(out);
    const [first] = family.filter(({ command }) => command.includes('load/main'));
    process.kill(first?.pid as number, 'SIGKILL');
    await eventually('another is there', () =>
      descendants(run.pid as number).some(
        ({ pid, command }) => command.includes('load/main') && !family.some((each) => each.pid === pid),
      ),
    );
    process.kill(run.pid as number, 'SIGINT');
    await run;
    const { cells } = await readRun(out);
    expect(cells.map((cell) => `${cell.status}: ${reasonText(cell)}`)).toEqual([
      expect.stringMatching(/^errored: LOAD_DIED: a process of the load ended: SIGKILL/),
    ]);
  });

  test('opens and closes connections as it is asked, alone on the machine, and none is recorded by itself', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const file = own('busy');
    const other = own('single');
    const { exitCode, stderr } = await lingerlab(['run', file, other, '-o', out]);
    expect(exitCode, stderr).toBe(0);
    const { cells, run } = await readRun(out);
    const loads = cells.filter(({ load }) => load);
    expect(loads).toHaveLength(14 + 15);
    for (const { id, facts, warnings } of loads) {
      expect(facts, id).toMatchObject({ 'load.errors': [], 'load.failed': 0, 'load.recycled': 0 });
      expect(facts['load.finished'], id).toBeGreaterThan(20);
      expect(facts['latency.p99Us'], id).toBeGreaterThanOrEqual(facts['latency.p50Us'] as number);
      expect(facts['cpu.clientUs'], id).toBeGreaterThan(0);
      expect(facts['cpu.usPerConnection'], id).toBeGreaterThan(facts['cpu.clientUs'] as number);
      expect(facts['load.driver'], id).toBe(id.includes('tinybench') ? 'tinybench' : 'loop');
      // two requests each, but where tinybench counts connections, or where they are kept
      const each = id.includes('neither') ? Infinity : id.includes('tinybench') ? 1 : 2;
      const rate = facts['rate.perSecond'] as number;
      expect((facts.closed as number) / (rate * 0.5), id).toBeCloseTo(1 / each, 1);
      expect(warnings, id).toEqual([]);
      const leaves = !id.includes('linger-0') && !id.includes('closer=neither');
      expect(facts['timeWait.each'], id).toBeCloseTo(leaves ? 1 : 0, 1);
      if (!id.includes('tinybench')) expect(facts['rate.series'], id).toHaveLength(5);
    }
    // one at a time, after the cell that is no load
    const times = loads.map(({ id, startedAt, seconds, repeat }) => ({
      id,
      from: Date.parse(startedAt),
      seconds,
      repeat,
    }));
    const inOrder = times.toSorted((a, b) => a.from - b.from);
    for (const [nth, { from, seconds }] of inOrder.slice(0, -1).entries())
      expect(inOrder[nth + 1]?.from ?? 0).toBeGreaterThanOrEqual(from + seconds * 1000 - 2);
    // the one that they are compared with before and after each of the others, which take turns
    const baseline = 'busy/closer=client,by=destroy,driver=loop';
    for (const [nth, { id }] of inOrder.entries()) expect(id === baseline, `${nth} ${id}`).toBe(nth % 2 === 0);
    const others = inOrder.filter(({ id }) => id !== baseline);
    expect(others.map(({ repeat }) => repeat)).toEqual([...Array(7).fill(1), ...Array(7).fill(2)]);
    const alone = cells.find(({ load }) => !load);
    expect(inOrder[0]?.from).toBeGreaterThanOrEqual(
      Date.parse(alone?.startedAt ?? '') + (alone?.seconds ?? 0) * 1000 - 2,
    );
    // each with the one that is declared
    const compared = run.experiments.find(({ id }) => id === 'busy')?.load;
    expect(compared?.against.map(({ baseline, pairs }) => `${baseline} ${pairs}`)).toEqual(
      Array(7).fill(`${baseline} 2`),
    );
    expect(new Set(compared?.against.map(({ cell }) => cell))).toEqual(
      new Set(loads.map(({ id }) => id)).difference(new Set([compared?.against[0]?.baseline])),
    );
    expect(await readdir(join(out, 'cells', 'busy'))).toHaveLength(8);
  });

  test('is refused where its experiment does not say that it is one, with what declares one', async () => {
    const folder = await scratch();
    const wrong = (await readFile(own('busy'), 'utf8')).replaceAll('loadExperiment', 'experiment');
    const file = await experimentFile(folder, 'wrong.mjs', wrong);
    const { exitCode, stderr } = await lingerlab(['run', file, '-o', join(folder, 'run')]);
    expect(stderr).toContain('there is no "load" here: that is for loadExperiment({ … })');
    expect(exitCode).toBe(2);
  });

  test.each(['ss', 'netlink'])(
    'that %s watches: more than 2,000 TIME-WAITs are counted, not looked at',
    async (sampler) => {
      const folder = await scratch();
      const out = join(folder, 'run');
      const file = own('watched');
      const cell = 'watched/by=destroy';
      const { exitCode, stderr } = await lingerlab(['run', file, '--sampler', sampler, '--repeat', '1', '-o', out]);
      expect(exitCode, stderr).toBe(0);
      const events = gunzipSync(await readFile(join(out, 'cells', cell, '1', 'events.ndjson.gz'))).toString();
      const samples = events
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Event)
        .filter((event) => event.kind === 'sample');
      expect(samples.length).toBeGreaterThan(8);
      expect(new Set(samples.map(({ source }) => source))).toEqual(new Set([sampler]));
      const full = samples.filter(({ leftOut = 0 }) => leftOut > 0);
      expect(full.length).toBeGreaterThan(0);
      for (const { leftOut, sockets } of full) {
        expect(leftOut).toBeGreaterThan(2000);
        expect(sockets.filter(({ state }) => state === 'TIME-WAIT')).toEqual([]);
        expect(sockets.some(({ state }) => state === 'LISTEN')).toBe(true);
      }
    },
  );
});
