import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { processState } from '../../src/native/process-state.ts';
import { cellFolder } from '../../src/record/layout.ts';
import { type ReadRun, readEvents, readRun } from '../../src/record/read.ts';
import { reasonText } from '../../src/report/reason.ts';
import { lingerlab, live, own, scratch } from './program.ts';

live('programs that peers start', () => {
  let out = '';
  let run: ReadRun;
  const cellOf = (does: string, network = 'veth') => {
    const cell = run.cells.find(({ factors }) => factors.does === does && factors.network === network);
    if (!cell) throw new Error(`no cell of ${does}`);
    return cell;
  };
  beforeAll(async () => {
    out = join(await scratch(), 'run');
    const { stderr, exitCode } = await lingerlab(['run', own('programs'), '--out', out]);
    expect(stderr).not.toContain('INTERNAL');
    // one of its cells is to fail
    expect(exitCode).toBe(1);
    run = await readRun(out);
  }, 120_000);

  test.each(['loopback', 'veth'])('one that serves has the facts of its socket: %s', (network) => {
    const { facts, reason, warnings } = cellOf('serves', network);
    expect(reason).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(facts).toMatchObject({
      'first.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'],
      'first.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
      'first.timeWait.holder': 'server',
      heard: 5,
      ended: 'exit code 3',
      written: 1,
    });
    expect('first.server.events' in facts).toBe(false);
  });

  test.each(['loopback', 'veth'])('one that connects has the facts of its socket: %s', (network) => {
    const { facts, reason, warnings } = cellOf('connects', network);
    expect(reason).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(facts).toMatchObject({
      'first.client.path': ['SYN-SENT', 'ESTABLISHED', 'CLOSED'],
      'first.server.path': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSED'],
      'first.timeWait.holder': 'none',
      'first.server.errors': [{ call: 'read', errno: 'ECONNRESET' }],
      heard: 5,
      ended: 'exit code 0',
    });
    expect('first.client.events' in facts).toBe(false);
  });

  test('of what one writes the first 64 KiB are kept, and the rest is counted', () => {
    expect(cellOf('writes-much').facts).toMatchObject({ written: 65_536, leftOut: 34_464, ended: 'ok' });
  });

  test('one that is not there is a refusal', () => {
    expect(cellOf('is-none').facts.ended).toBe('ENOENT');
  });

  test('one that ends before its line says why it did', () => {
    expect(reasonText(cellOf('fails'))).toContain(
      'PROGRAM_ENDED: client.sh ended (exit code 7) before it wrote a line with "never"; it wrote: some trouble',
    );
  });

  test('one that would stay ends with its cell', () => {
    const { facts, reason } = cellOf('stays');
    expect(reason).toBeUndefined();
    expect(processState(Number(facts.pid))).toBeNull();
  });

  test('their lines are in the record, in the timeline and in a log', async () => {
    const { id } = cellOf('serves');
    const events = (await readEvents(out, id, 1)) ?? [];
    const lines = events.flatMap((event) => (event.kind === 'program-line' ? [event] : []));
    expect(lines.map(({ peer, program, stream }) => `${peer} ${program} ${stream}`)).toEqual([
      'server python3 stdout',
      'server python3 stderr',
      'server python3 stdout',
    ]);
    const { stdout } = await lingerlab(['show', out, id]);
    expect(stdout).toMatch(/server +exec python3 -c /);
    expect(stdout).toMatch(/server +python3 writes: listening on \d+/);
    expect(stdout).toContain('python3 writes to stderr: closing');
    expect(stdout).toContain('write "the last word\\n" to python3');
    expect(stdout).toContain('python3 ends: exit code 3');
    const log = await readFile(join(cellFolder(out, id, 1), 'server.python3.log'), 'utf8');
    expect(log).toContain('stderr: closing\n');
  });
});

live('threads that listen on one port', () => {
  test('of the connections of one that could not listen nothing is said', async () => {
    const out = join(await scratch(), 'run');
    expect((await lingerlab(['run', 'cluster-workers/share=threads*', '--out', out])).exitCode).toBe(0);
    const { cells } = await readRun(out);
    const told = cells.map(({ factors: { share }, facts: { second, others } }) => [share, { second, others }]);
    expect(Object.fromEntries(told)).toEqual({
      threads: { second: 'EADDRINUSE', others: undefined },
      'threads-reuseport': { second: 'listening', others: true },
    });
  });
});
