import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRun, type Resumption, resumeRun } from '../../src/record/folder.ts';
import { readRun } from '../../src/record/read.ts';
import { deadPid, exampleCell, exampleEnvironment, exampleRun } from './example.ts';
import { temporary } from './temporary.ts';

const json = (folder: string) => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as Record<string, unknown>;

describe('createRun', () => {
  test('makes parents and saves run.json before the first cell', async () => {
    const folder = join(temporary(), 'a', 'b');
    await using writer = await createRun(folder, exampleRun());
    expect(writer.folder).toBe(folder);
    expect(json(folder)).toMatchObject({ schemaVersion: 3, status: 'running', pid: process.pid });
    expect((await readRun(folder)).cells).toEqual([]);
  });

  test('takes an empty folder, and one that holds only an unfinished file of a crash', async () => {
    const folder = temporary();
    writeFileSync(join(folder, '.run.json.77.unfinished'), '{"sch');
    await using _ = await createRun(folder, exampleRun());
    expect(readdirSync(folder).toSorted()).toEqual(['cells.ndjson', 'run.json']);
  });

  test('refuses a folder that is not empty, and leaves it alone', async () => {
    const folder = temporary();
    writeFileSync(join(folder, 'thesis.tex'), 'x');
    await expect(createRun(folder, exampleRun())).rejects.toMatchObject({ code: 'RUN_EXISTS' });
    expect(readdirSync(folder)).toEqual(['thesis.tex']);
  });

  test('refuses a folder that cannot be made', async () => {
    const file = join(temporary(), 'file');
    writeFileSync(file, '');
    await expect(createRun(join(file, 'run'), exampleRun())).rejects.toMatchObject({ code: 'RUN_NOT_WRITABLE' });
    await expect(createRun(file, exampleRun())).rejects.toMatchObject({ code: 'RUN_NOT_WRITABLE' });
    await expect(createRun('/proc/none/run', exampleRun())).rejects.toMatchObject({ code: 'RUN_NOT_WRITABLE' });
  });
});

describe('RunWriter', () => {
  test('appends one whole line per cell, in the order of the calls', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    await Promise.all(Array.from({ length: 50 }, (_, repeat) => writer.appendCell(exampleCell({ repeat }))));
    const lines = readFileSync(join(folder, 'cells.ndjson'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { repeat: number }).repeat)).toEqual(
      Array.from({ length: 50 }, (_, repeat) => repeat),
    );
  });

  test('refuses a record that would not be read again as it was', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    const record = exampleCell({ facts: { 'client.closeMs': Number.NaN } });
    await expect(writer.appendCell(record)).rejects.toThrow('facts["client.closeMs"]');
    await expect(writer.update({ pid: 0.5 })).rejects.toThrow('pid');
    expect(statSync(join(folder, 'cells.ndjson')).size).toBe(0);
    expect(json(folder).pid).toBe(process.pid);
  });

  test('rewrites run.json by a partial record or a function, one after the other', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    await Promise.all([
      writer.update({ pid: 5 }),
      ...Array.from({ length: 10 }, () => writer.update((run) => ({ ...run, pid: run.pid + 1 }))),
    ]);
    expect(writer.run.pid).toBe(15);
    expect(json(folder).pid).toBe(15);
    expect(readdirSync(folder).toSorted()).toEqual(['cells.ndjson', 'run.json']);
  });

  test('keeps logs with text, removes empty ones, and the folders that this leaves empty', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    const log = writer.peerLog('close-order/closes=client', 1, 'client');
    const quiet = writer.peerLog('close-order/closes=client', 1, 'server');
    const odd = writer.peerLog('close-order/closes=client', 2, '../odd');
    writeFileSync(log, 'warning: …\n');
    writeFileSync(quiet, '');
    writeFileSync(odd, '');
    await writer.appendCell(exampleCell());
    expect(log).toBe(join(folder, 'cells/close-order/closes=client/1/client.log'));
    expect(existsSync(log)).toBe(true);
    expect(existsSync(quiet)).toBe(false);
    expect(odd).toBe(join(folder, 'cells/close-order/closes=client/2/.._odd.log'));
    await writer.appendCell(exampleCell({ repeat: 2 }));
    expect(readdirSync(join(folder, 'cells/close-order/closes=client'))).toEqual(['1']);
    // each record names the files that are left
    const { cells } = await readRun(folder);
    expect(cells.map(({ files }) => files)).toEqual([['client.log'], undefined]);
  });

  test('leaves no folder of a cell that kept nothing', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    writeFileSync(writer.peerLog('close-order/closes=client', 1, 'client'), '');
    await writer.appendCell(exampleCell());
    expect(readdirSync(folder).toSorted()).toEqual(['cells.ndjson', 'run.json']);
  });

  test('finishes the session, once; disposed unfinished it is interrupted', async () => {
    const complete = join(temporary(), 'run');
    const interrupted = join(temporary(), 'run');
    {
      await using writer = await createRun(complete, exampleRun());
      await writer.finish('complete');
      await expect(writer.appendCell(exampleCell())).rejects.toMatchObject({ code: 'RUN_NOT_WRITABLE' });
      await using _ = await createRun(interrupted, exampleRun());
    }
    expect(json(complete)).toMatchObject({
      status: 'complete',
      sessions: [{ finishedAt: expect.stringContaining('T') }],
    });
    expect(json(interrupted)).toMatchObject({
      status: 'interrupted',
      sessions: [{ finishedAt: expect.stringContaining('T') }],
    });
  });
});

describe('resumeRun', () => {
  const by: Resumption = {
    kernel: '6.18.44',
    toolVersion: '0.1.0',
    experiments: [{ id: 'close-order', sourceHash: 'aa' }],
    pid: process.pid,
    startedAt: '2025-11-21T09:00:00.000Z',
    environment: exampleEnvironment,
  };

  /** A run whose process died at work on its second cell, with these bytes at the end of cells.ndjson. */
  async function crashed(tail: string): Promise<string> {
    const folder = join(temporary(), 'run');
    const writer = await createRun(folder, exampleRun());
    await writer.appendCell(exampleCell());
    await writer.finish('interrupted');
    writeFileSync(join(folder, 'run.json'), JSON.stringify(exampleRun({ pid: deadPid })));
    appendFileSync(join(folder, 'cells.ndjson'), tail);
    return folder;
  }

  test('drops a torn last line and goes on after the last whole one', async () => {
    const folder = await crashed('{"id":"close-order/clo');
    const { writer, done, todo, previous } = await resumeRun(folder, by);
    expect(previous.warnings.map(({ code }) => code)).toEqual(['torn-line']);
    expect([...done]).toEqual(['close-order/closes=client 1']);
    expect(todo).toEqual([{ id: 'close-order/closes=server', repeat: 1 }]);
    await writer.appendCell(exampleCell({ id: 'close-order/closes=server', factors: { closes: 'server' } }));
    await writer.finish('complete');
    const run = await readRun(folder);
    expect(run.warnings).toEqual([]);
    expect(run.cells.map(({ id }) => id)).toEqual(['close-order/closes=client', 'close-order/closes=server']);
  });

  test('takes back what was said of the cells before: should it be cut off, nothing is said of those to come', async () => {
    const folder = await crashed('');
    const said = { answer: { headline: 'no answer: no cell ran', findings: [] }, answered: 'none' };
    const { experiments, ...rest } = json(folder) as { experiments: object[] };
    const judged = { ...rest, experiments: experiments.map((each) => ({ ...each, ...said })) };
    writeFileSync(join(folder, 'run.json'), JSON.stringify(judged));
    await using _ = (await resumeRun(folder, by)).writer;
    const [experiment] = json(folder).experiments as object[];
    expect(experiment).toMatchObject({ answer: null, answered: null, claims: [] });
  });

  test('ends a last line that lost just its line feed', async () => {
    const whole = JSON.stringify(exampleCell({ id: 'close-order/closes=server', factors: { closes: 'server' } }));
    const folder = await crashed(whole);
    const { writer, todo } = await resumeRun(folder, by);
    expect(todo).toEqual([]);
    await writer.appendCell(exampleCell());
    await writer.finish('complete');
    expect((await readRun(folder)).cells).toHaveLength(2);
  });

  test('adds a session and keeps the interrupted one as it was left', async () => {
    const folder = await crashed('');
    writeFileSync(join(folder, '.run.json.77.unfinished'), '{');
    const { writer } = await resumeRun(folder, by);
    expect(json(folder)).toMatchObject({ status: 'running', pid: process.pid });
    expect((await readRun(folder)).live).toBe(true);
    await writer.finish('complete');
    expect(json(folder)).toMatchObject({
      status: 'complete',
      sessions: [{ finishedAt: null }, { startedAt: by.startedAt, finishedAt: expect.stringContaining('T') }],
    });
    expect(readdirSync(folder).toSorted()).toEqual(['cells.ndjson', 'run.json']);
  });

  test('empties the folder of a cell that runs again, once', async () => {
    const folder = await crashed('');
    const stale = join(folder, 'cells/close-order/closes=server/1');
    mkdirSync(stale, { recursive: true });
    writeFileSync(join(stale, 'events.ndjson.gz'), 'half');
    await using writer = (await resumeRun(folder, by)).writer;
    const log = writer.peerLog('close-order/closes=server', 1, 'client');
    writeFileSync(log, 'x');
    writer.peerLog('close-order/closes=server', 1, 'server');
    expect(readdirSync(stale)).toEqual(['client.log']);
  });

  test('leaves a complete run with nothing left to do as it is', async () => {
    const folder = join(temporary(), 'run');
    const first = await createRun(folder, exampleRun({ plan: ['close-order/closes=client'] }));
    await first.appendCell(exampleCell());
    await first.finish('complete');
    const before = readFileSync(join(folder, 'run.json'), 'utf8');
    {
      const { writer, todo } = await resumeRun(folder, by);
      await using _ = writer;
      expect(todo).toEqual([]);
    }
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe(before);
  });

  test('refuses a run that is still live, and touches nothing', async () => {
    const folder = join(temporary(), 'run');
    await using _ = await createRun(folder, exampleRun());
    appendFileSync(join(folder, 'cells.ndjson'), '{"id"');
    await expect(resumeRun(folder, by)).rejects.toMatchObject({ code: 'RESUME_REFUSED' });
    expect(readFileSync(join(folder, 'cells.ndjson'), 'utf8')).toBe('{"id"');
  });
});
