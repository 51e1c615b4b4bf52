import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Event } from '../../src/record/event.ts';
import { readRun } from '../../src/record/read.ts';
import { experimentFile, lingerlab, live, scratch } from './program.ts';

/** Loads of 0.3 s beside a cell that closes one connection; what came of each is in its facts. */
const busy = `
import { experiment, kind } from 'lingerlab';
export default experiment({
  id: 'busy', question: '?',
  factors: { closer: ['client', 'server', 'neither', 'nobody'], by: ['destroy', 'end', 'half-close', 'linger-0'], driver: ['loop', 'tinybench'] },
  only: ({ closer, by, driver }) =>
    closer === 'client' ? driver === 'loop' || by === 'destroy' : by === 'destroy' && driver === 'loop' || (closer === 'server' && by === 'linger-0' && driver === 'loop'),
  load: ({ closer }) => closer !== 'nobody' && 2,
  seconds: 1,
  measures: {
    finished: kind.count(), failures: kind.outcome(), grown: kind.count(), recycled: kind.count(), p50Us: kind.us(), p99Us: kind.us(), busy: kind.us(), intervals: kind.series('count'),
  },
  async scenario(stage, { closer, by, driver }) {
    if (closer === 'nobody') {
      const [near] = await stage.client.connect(await stage.server.listen());
      await near.close('resetAndDestroy');
      await stage.until(near, 'CLOSED');
      return;
    }
    const done = await stage.load({ closer, by, driver, inFlight: driver === 'loop' ? 8 : 1, requestBytes: 3, responseBytes: 20, seconds: 0.3, warmUpSeconds: 0.1, servers: 1, addresses: 2 });
    stage.note('finished', done.finished);
    stage.note('failures', JSON.stringify(done.failed));
    stage.note('grown', done.timeWaitGrown);
    stage.note('recycled', done.counters['TcpExt.TWRecycled'] ?? 0);
    stage.note('p50Us', done.latency.p50Us);
    stage.note('p99Us', done.latency.p99Us);
    stage.note('busy', done.used.client + done.used.servers);
    stage.note('intervals', done.intervals.map(({ perSecond }) => perSecond));
  },
  claims: [], answer: () => 'as asked',
});`;

live('a load', () => {
  test('opens and closes connections as it is asked, alone on the machine, and none is recorded by itself', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const file = await experimentFile(folder, 'busy.ts', busy);
    const { exitCode, stderr } = await lingerlab(['run', file, '-o', out]);
    expect(exitCode, stderr).toBe(0);
    const { cells } = await readRun(out);
    const loads = cells.filter(({ load }) => load);
    expect(loads).toHaveLength(16);
    for (const { id, facts, warnings } of loads) {
      expect(facts, id).toMatchObject({ failures: '{}', recycled: 0 });
      expect(facts.finished, id).toBeGreaterThan(20);
      expect(facts.p99Us, id).toBeGreaterThanOrEqual(facts.p50Us as number);
      expect(facts.busy, id).toBeGreaterThan(0);
      expect(warnings, id).toEqual([]);
      const leaves = !id.includes('linger-0') && !id.includes('closer=neither');
      expect((facts.grown as number) > 0, id).toBe(leaves);
      if (!id.includes('tinybench')) expect(facts.intervals, id).toHaveLength(3);
    }
    // one at a time, after the cell that is no load, their repeats in turns
    const times = loads.map(({ startedAt, seconds, repeat }) => ({ from: Date.parse(startedAt), seconds, repeat }));
    const inOrder = times.toSorted((a, b) => a.from - b.from);
    for (const [nth, { from, seconds }] of inOrder.slice(0, -1).entries())
      expect(inOrder[nth + 1]?.from ?? 0).toBeGreaterThanOrEqual(from + seconds * 1000 - 2);
    expect(inOrder.map(({ repeat }) => repeat)).toEqual([...Array(8).fill(1), ...Array(8).fill(2)]);
    const other = cells.find(({ load }) => !load);
    expect(inOrder[0]?.from).toBeGreaterThanOrEqual(
      Date.parse(other?.startedAt ?? '') + (other?.seconds ?? 0) * 1000 - 2,
    );
    expect(await readdir(join(out, 'cells', 'busy'))).toHaveLength(9);
  });

  test('is refused where its experiment does not say that it is one, and has no peers', async () => {
    const folder = await scratch();
    const out = join(folder, 'run');
    const file = await experimentFile(
      folder,
      'wrong.ts',
      busy.replace("closer !== 'nobody' && 2", "closer === 'nobody' && 1").replace("'server', 'neither', ", ''),
    );
    await lingerlab(['run', file, '--where', 'by=destroy', '-o', out]);
    const { cells } = await readRun(out);
    const reasons = cells.map(({ status, reason = '' }) => `${status}: ${reason.split(' at ')[0]}`);
    expect(reasons.toSorted().join('\n')).toMatch(/has no peers[\s\S]*does not say that it measures throughput/);
  });

  test.each(['ss', 'netlink'])(
    'that %s watches: more than 2,000 TIME-WAITs are counted, not looked at',
    async (sampler) => {
      const folder = await scratch();
      const out = join(folder, 'run');
      const watched = busy
        .replace('seconds: 0.3', 'watched: 10, seconds: 1.5')
        .replace("'half-close', 'linger-0'", "'half-close'")
        .replace("'client', 'server', 'neither', 'nobody'", "'client'");
      const file = await experimentFile(folder, 'watched.ts', watched);
      const cell = 'busy/closer=client,by=destroy,driver=loop';
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
