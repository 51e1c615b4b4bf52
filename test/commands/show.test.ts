import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cli } from '../../src/cli.ts';
import type { Event, StallEvent } from '../../src/record/event.ts';
import { createRun } from '../../src/record/folder.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { exampleCell, exampleRun } from '../record/example.ts';

let top = '';
let run = '';
let out = '';
let told = '';

/** Called back as a stream does it. */
const writing = (heard: (text: string) => void) =>
  ((text: string, done?: () => void) => {
    heard(String(text));
    done?.();
    return true;
  }) as typeof process.stdout.write;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'lingerlab-show-'));
  run = join(top, 'run');
  [out, told] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation(writing((text) => (out += text)));
  vi.spyOn(process.stderr, 'write').mockImplementation(writing((text) => (told += text)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(top, { recursive: true, force: true });
});

const cell = (id: string, change: Partial<CellRecord> = {}): CellRecord =>
  exampleCell({ id, experiment: id.split('/')[0]!, paths: {}, ...change });
const begins: Event = { t: 1_000_000, source: 'harness', kind: 'scenario-begins' };
const stall: StallEvent = { t: 3_500_000, source: 'peer', kind: 'stall', peer: 'client', ns: 1_000_000 };

const close = 'close-order/closes=client,by=end';
const both = 'close-order/closes=both,by=end';
async function save(): Promise<void> {
  const plan = [close, both, 'linger/linger=0', 'linger/linger=2', 'load/ways=1'];
  const writer = await createRun(run, exampleRun({ plan }));
  for (const record of [
    cell(close),
    cell(both, { repeat: 1 }),
    cell(both, { repeat: 2, status: 'errored', reason: { code: 'SCENARIO_THREW', message: 'no' } }),
    cell('linger/linger=0', { status: 'unsupported', reason: { message: 'no ss' } }),
    cell('load/ways=1', { load: true }),
  ]) {
    if (record.status !== 'unsupported' && !record.load) {
      await writer.writeEvents(record.id, record.repeat, [begins, { ...stall, ns: record.repeat * 1e6 }]);
    }
    await writer.appendCell(record);
  }
  await writer.finish('complete');
}

test('the timeline of a cell is printed, named by its id, its factors in any order, some of them, or its beginning', async () => {
  await save();
  for (const name of [close, 'close-order/by=end,closes=client', 'close-order/closes=client', 'close-order/closes=c']) {
    out = '';
    expect(await cli(['show', run, name]), told).toBe(0);
    expect(out).toContain(`${close}  repeat 1 · ran`);
    expect(out).toContain('2.500  client   longest stall of the event loop: 1.00 ms');
  }
});

test('of several repeats one has to be named, and an errored one is shown with its reason', async () => {
  await save();
  expect(await cli(['show', run, both])).toBe(2);
  expect(told).toMatch(/BAD_OPTION: .*2 results, and --repeat is missing\n {2}add --repeat N: 1, 2 \(errored: 2\)/);
  expect(out).toBe('');
  expect(await cli(['show', run, both, '--repeat', '2'])).toBe(0);
  expect(out).toMatch(/repeat 2 · errored .*\n {2}SCENARIO_THREW: no\n[\s\S]*2\.00 ms/);
  expect(await cli(['show', run, both, '--repeat', '3'])).toBe(2);
  expect(told).toContain('no result of repeat 3');
});

test('without a cell the results are listed, and how one is shown', async () => {
  await save();
  expect(await cli(['show', run]), told).toBe(0);
  expect(out.split('\n')).toEqual([
    `${close}  repeat 1 · ran`,
    `${both}  repeat 1 · ran`,
    `${both}  repeat 2 · errored: SCENARIO_THREW: no`,
    'linger/linger=0  repeat 1 · unsupported: no ss',
    'load/ways=1  repeat 1 · ran',
    `5 results; \`lingerlab show ${run} CELL\` shows one`,
    '',
  ]);
  out = '';
  expect(await cli(['show', run, '--json'])).toBe(0);
  expect(JSON.parse(out.split('\n')[2]!)).toEqual({
    kind: 'cell',
    id: both,
    repeat: 2,
    status: 'errored',
    reason: { code: 'SCENARIO_THREW', message: 'no' },
  });
});

test('with --json each line is JSON: the cell, then each event with its own fields', async () => {
  await save();
  expect(await cli(['show', run, close, '--json'])).toBe(0);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    { kind: 'cell', id: close, repeat: 1, status: 'ran', seconds: expect.any(Number), connections: [], events: 2 },
    { ms: 0, lane: 'harness', kind: 'scenario-begins', text: 'the scenario begins', event: begins },
    { ms: 2.5, lane: 'client', kind: 'stall', text: expect.any(String), event: stall },
  ]);
});

test.each([
  ['close-order/closes=clien,by=end', /UNKNOWN_CELL: .*did you mean "close-order\/closes=client,by=end"/],
  ['close-order/closes=bth', /UNKNOWN_CELL: .*did you mean "closes=both"/],
  ['close-ordr', /UNKNOWN_CELL: .*did you mean "close-order"/],
  ['close-order', /UNKNOWN_CELL: .*of 2 cells\n {2}name one of them: close-order\/closes=client,by=end, close-order/],
  ['linger/linger=2', /UNKNOWN_CELL: .*the run ended before it/],
  ['linger/linger=0', /BAD_OPTION: .*did not run: no ss/],
  ['load/ways=1', /BAD_OPTION: .*measures throughput/],
])('%s is refused with exit code 2', async (name, message) => {
  await save();
  expect(await cli(['show', run, name])).toBe(2);
  expect(told).toMatch(message);
  expect(out).toBe('');
});

test('what a run folder says does nothing to a terminal, in messages and in JSON, too', async () => {
  const evil = 'evil/x=\u001b[2J\u009b';
  const writer = await createRun(run, exampleRun({ plan: [evil] }));
  await writer.writeEvents(evil, 1, [{ ...stall, peer: '\u009b\u202e' }]);
  await writer.appendCell(cell(evil));
  await writer.finish('complete');
  expect(await cli(['show', run, 'evil', '--json'])).toBe(0);
  expect(await cli(['show', run, 'evil'])).toBe(0);
  expect(await cli(['show', run, 'evil/x=\u001b[2K\u009b'])).toBe(2);
  expect((out + told).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('a cell of version 1 is shown, as far as it was recorded', async () => {
  const fixture = fileURLToPath(new URL('../fixtures/run-version-1', import.meta.url));
  expect(await cli(['show', fixture, 'lost-last-ack']), told).toBe(0);
  expect(out).toMatch(/wire +#\d+ server → client: FIN ACK/);
  expect(out).toMatch(/kernel +server: LAST-ACK → CLOSED/);
});
