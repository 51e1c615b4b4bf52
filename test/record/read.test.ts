import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/record/event.ts';
import { createRun } from '../../src/record/folder.ts';
import { readEvents, readRun } from '../../src/record/read.ts';
import { type CellRecord, type RunRecord, schemaVersion } from '../../src/record/schema.ts';
import type { Upgrade } from '../../src/record/upgrade.ts';
import { deadPid, exampleCell, exampleRun } from './example.ts';
import { temporary } from './temporary.ts';

function written(run: unknown, cells?: string): string {
  const folder = temporary();
  writeFileSync(join(folder, 'run.json'), typeof run === 'string' ? run : JSON.stringify(run));
  if (cells !== undefined) writeFileSync(join(folder, 'cells.ndjson'), cells);
  return folder;
}
const lines = (...cells: CellRecord[]) => cells.map((cell) => `${JSON.stringify(cell)}\n`).join('');
const done = (change: Partial<RunRecord> = {}) => exampleRun({ status: 'complete', ...change });
const server = exampleCell({ id: 'close-order/closes=server', factors: { closes: 'server' } });

describe('readRun', () => {
  test('reads back what was written, by the folder or by its run.json', async () => {
    const folder = join(temporary(), 'run');
    const writer = await createRun(folder, exampleRun());
    await writer.appendCell(exampleCell());
    await writer.finish('complete');
    const run = await readRun(folder);
    expect(run.cells).toEqual([exampleCell()]);
    expect(run.run).toEqual(writer.run);
    expect(run.live).toBe(false);
    expect(await readRun(join(folder, 'run.json'))).toEqual(run);
  });

  test('says RUN_NOT_FOUND of a folder without run.json, and of no folder', async () => {
    await expect(readRun(temporary())).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(readRun('/nowhere/at/all')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('names the field that does not fit', async () => {
    const { hz: _, ...environment } = exampleRun().sessions[0]!.environment;
    const folder = written(done({ sessions: [{ startedAt: '', finishedAt: null, environment } as never] }));
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining('run.json: sessions[0].environment.hz'),
    });
  });

  test.each<[string, CellRecord['facts'], string]>([
    [
      'a word that its kind does not have',
      { 'timeWait.holder': 'nobody' },
      'facts["timeWait.holder"] must be one of client, server, not \'nobody\'',
    ],
    ['a negative number of bytes', { lost: -4 }, 'facts["lost"] must be a number of bytes, not -4'],
    [
      'a state that does not exist',
      { path: ['ESTABLISHED', 'TIMEWAIT'] },
      'facts["path"] must be a list, each one of ESTABLISHED, TIME-WAIT',
    ],
    ['a text where a number belongs', { lost: '4' }, 'facts["lost"] must be a number of bytes, not \'4\''],
  ])('refuses %s, with the line and the field', async (_, facts, problem) => {
    const [first] = exampleRun().experiments;
    const declared = {
      'timeWait.holder': { type: 'word', values: ['client', 'server'], compare: 'exact' },
      lost: { type: 'number', unit: 'bytes', compare: 'exact' },
      path: { type: 'words', values: ['ESTABLISHED', 'TIME-WAIT'], compare: 'exact' },
    } as const;
    const run = done({ experiments: [{ ...first!, facts: declared }] });
    const path = written(run, lines(exampleCell(), { ...server, facts }));
    await expect(readRun(path)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining(`cells.ndjson, line 2: ${problem}`),
    });
    // what no declaration speaks of cannot be checked
    const undeclared = written(done({ experiments: [{ ...first!, facts: {} }] }), lines({ ...server, facts }));
    expect((await readRun(undeclared)).cells).toHaveLength(1);
  });

  test.each([
    ['no JSON', '{"schemaVersion":', 'not JSON'],
    ['an array', '[]', 'not a JSON object'],
    ['no version', '{}', 'schemaVersion is missing'],
    ['a version that is none', '{"schemaVersion":"1"}', 'schemaVersion is "1"'],
    ['a version before the first', '{"schemaVersion":0}', 'cannot be upgraded'],
  ])('says RUN_UNREADABLE of %s', async (_, text, message) => {
    await expect(readRun(written(text))).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining(message),
    });
  });

  test('refuses a newer schema before looking at anything else', async () => {
    const folder = written({ schemaVersion: schemaVersion + 1, surprises: true });
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_NEWER',
      message: expect.stringContaining(`schema version ${schemaVersion + 1}`),
    });
  });

  const unchanged: Upgrade = { run: (run) => run, cell: (cell) => cell, event: (event) => event };

  test('upgrades an older one, run and cells', async () => {
    const { pid, ...older } = done({ schemaVersion: 0 as never });
    const { repeat, ...olderCell } = exampleCell();
    const folder = written({ ...older, process: pid }, `${JSON.stringify({ ...olderCell, time: repeat })}\n`);
    const run = await readRun(folder, {
      0: {
        run: ({ process: number, ...rest }) => ({ ...rest, pid: number }),
        cell: ({ time, ...rest }) => ({ ...rest, repeat: time }),
        event: (event) => event,
      },
      1: unchanged,
      2: { ...unchanged, run: (run) => ({ ...run, schemaVersion }) },
    });
    expect(run.run).toEqual(done());
    expect(run.cells).toEqual([exampleCell()]);
  });

  test('drops a last line torn at any byte, with a warning', async () => {
    const whole = lines(exampleCell(), server);
    const first = Buffer.byteLength(lines(exampleCell()));
    for (let size = first + 1; size < Buffer.byteLength(whole) - 1; size += 1) {
      const folder = written(done(), whole);
      truncateSync(join(folder, 'cells.ndjson'), size);
      const run = await readRun(folder);
      expect(run.cells).toEqual([exampleCell()]);
      expect(run.lines.tornAt).toBe(first);
      expect(run.warnings.map(({ code }) => code)).toEqual(['torn-line']);
    }
  });

  test('warns where its verdicts are of other results than it has', async () => {
    const counts = { confirmed: 2, refuted: 0, inconclusive: 0 };
    const judged = {
      id: 'first-closer-waits',
      text: 't',
      source: 's',
      across: false,
      verdict: 'confirmed',
      cells: counts,
    };
    const [experiment] = done().experiments;
    const run = done({
      status: 'complete',
      experiments: [{ ...experiment!, claims: [{ ...judged, detail: { on: 'facts', read: [], more: 0 } } as never] }],
    });
    const codes = async (cells: string) => (await readRun(written(run, cells))).warnings.map(({ code }) => code);
    expect(await codes(lines(exampleCell(), server))).toEqual([]);
    expect(await codes(lines(exampleCell()))).toEqual(['other-results']);
    const [claim] = server.claims;
    const refuted = { ...server, claims: [{ ...claim!, verdict: 'refuted' as const }] };
    expect(await codes(lines(exampleCell(), refuted))).toEqual(['other-results']);
  });

  test.each(['{"id":"close-or', 'garbage', '{}', '[1]'])(
    'a whole last line is never taken for a torn one: %s',
    async (line) => {
      await expect(readRun(written(done(), `${lines(exampleCell())}${line}\n`))).rejects.toMatchObject({
        code: 'RUN_UNREADABLE',
        message: expect.stringContaining('cells.ndjson, line 2: '),
      });
    },
  );

  test('a result that has run twice is read once, the last, with a warning that names it', async () => {
    const again = { ...exampleCell(), seconds: 77 };
    const run = await readRun(written(done(), lines(exampleCell(), server, again)));
    expect(run.cells).toEqual([again, server]);
    const text = expect.stringContaining(`repeat ${again.repeat} of ${again.id} that ran; the last was read`);
    expect(run.warnings).toEqual([expect.objectContaining({ code: 'doubled-line', text })]);
  });

  test('keeps a last line that lost only its line feed', async () => {
    const run = await readRun(written(done(), lines(exampleCell(), server).trimEnd()));
    expect(run.cells).toEqual([exampleCell(), server]);
    expect(run.warnings).toEqual([]);
    expect(run.lines).toMatchObject({ tornAt: null, ended: false });
  });

  test('reads a run without cells.ndjson, and one whose cells.ndjson is empty', async () => {
    expect((await readRun(written(done()))).cells).toEqual([]);
    expect((await readRun(written(done(), ''))).cells).toEqual([]);
  });

  test('reads a run that was packed as what it was, and one whose pack is damaged not at all', async () => {
    const plain = written(done(), lines(exampleCell(), server));
    const folder = written(done());
    writeFileSync(join(folder, 'cells.ndjson.gz'), gzipSync(lines(exampleCell(), server)));
    const packed = await readRun(folder);
    expect(packed.cells).toEqual((await readRun(plain)).cells);
    expect(packed).toMatchObject({ packed: true, warnings: [] });
    writeFileSync(join(folder, 'run.json.gz'), gzipSync(readFileSync(join(folder, 'run.json'))));
    rmSync(join(folder, 'run.json'));
    expect((await readRun(folder)).run).toEqual(packed.run);
    expect((await readRun(join(folder, 'run.json.gz'))).run).toEqual(packed.run);
    truncateSync(join(folder, 'cells.ndjson.gz'), 40);
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining('cells.ndjson.gz: '),
    });
  });

  test('prefers lines that were appended since to those that are packed', async () => {
    const folder = written(done(), lines(exampleCell()));
    writeFileSync(join(folder, 'cells.ndjson.gz'), gzipSync(lines(server)));
    expect(await readRun(folder)).toMatchObject({ packed: false, cells: [exampleCell()] });
  });

  test('names the line in the middle that is damaged', async () => {
    const folder = written(done(), `${lines(exampleCell())}{"id":"x"\n${lines(server)}`);
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining('cells.ndjson, line 2: '),
    });
  });

  test('names the line and the field that does not fit, be it the last', async () => {
    const folder = written(done(), lines(exampleCell(), { ...server, status: 'fine' as never }));
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining('cells.ndjson, line 2: status'),
    });
  });

  test('lets a later record replace an errored one, and none replace what ran by what did not', async () => {
    const errored = exampleCell({ status: 'errored', reason: { message: 'x' }, facts: {} });
    expect((await readRun(written(done(), lines(errored, server, exampleCell())))).cells).toEqual([
      exampleCell(),
      server,
    ]);
    expect((await readRun(written(done(), lines(exampleCell(), errored)))).cells).toEqual([exampleCell()]);
    const again = { ...errored, reason: { message: 'y' } };
    expect((await readRun(written(done(), lines(errored, again)))).cells).toEqual([again]);
  });

  test('gives cells in plan order and repeats in theirs, however they finished', async () => {
    const second = exampleCell({ repeat: 2 });
    const run = await readRun(written(done(), lines(server, second, exampleCell())));
    expect(run.cells).toEqual([exampleCell(), second, server]);
  });

  test('shows a run whose process is gone as interrupted', async () => {
    const run = await readRun(written(exampleRun({ pid: deadPid })));
    expect(run).toMatchObject({ live: false, run: { status: 'interrupted' } });
  });

  test('does not warn of a line that a live run is just writing', async () => {
    const run = await readRun(written(exampleRun(), '{"id"'));
    expect(run).toMatchObject({ live: true, run: { status: 'running' }, cells: [], warnings: [] });
  });
});

describe('readEvents', () => {
  const events: Event[] = [
    { t: 1, source: 'harness', kind: 'scenario-begins' },
    { t: 2, source: 'counters', kind: 'counters', space: 'lab', values: { 'Tcp.ActiveOpens': 1 } },
  ];

  test('gives back what was written', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    await writer.writeEvents('close-order/closes=client', 1, events);
    await writer.writeEvents('bare', 2, []);
    expect(await readEvents(folder, 'close-order/closes=client', 1)).toEqual(events);
    expect(await readEvents(folder, 'bare', 2)).toEqual([]);
    expect(readFileSync(join(folder, 'cells/bare/_/2/events.ndjson.gz')).length).toBeGreaterThan(0);
  });

  test('is null where no events were kept', async () => {
    expect(await readEvents(temporary(), 'close-order/closes=client', 1)).toBeNull();
  });

  test('says RUN_UNREADABLE of a damaged file', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    await writer.writeEvents('close-order/closes=client', 1, events);
    truncateSync(join(folder, 'cells/close-order/closes=client/1/events.ndjson.gz'), 20);
    await expect(readEvents(folder, 'close-order/closes=client', 1)).rejects.toMatchObject({ code: 'RUN_UNREADABLE' });
  });

  test('says behind which line a torn file ends, and which line is no event', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    await writer.writeEvents('bare', 1, []);
    const path = join(folder, 'cells/bare/_/1/events.ndjson.gz');
    const line = (n: number) => `${JSON.stringify({ t: n, source: 'harness', kind: 'scenario-begins' })}\n`;
    const many = gzipSync(Array.from({ length: 50_000 }, (_, n) => line(n * 7919)).join(''));
    writeFileSync(path, many.subarray(0, many.length - 100));
    await expect(readEvents(folder, 'bare', 1)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringMatching(/events\.ndjson\.gz: behind line [1-9]\d+: unexpected end of file/),
    });
    for (const [text, problem] of [
      ['{"t":1,', 'line 2: not JSON'],
      ['[]', 'line 2: is not an event'],
      ['{"t":1}', 'line 2: '],
    ] as const) {
      writeFileSync(path, gzipSync(line(1) + text));
      await expect(readEvents(folder, 'bare', 1)).rejects.toMatchObject({
        code: 'RUN_UNREADABLE',
        message: expect.stringContaining(problem),
      });
    }
  });

  test('names the line and the field that do not fit', async () => {
    const folder = join(temporary(), 'run');
    await using writer = await createRun(folder, exampleRun());
    const wrong = { t: 3, source: 'wire', kind: 'deed', n: 1, deed: 'held 3 ms' } as unknown as Event;
    await writer.writeEvents('bare', 1, [...events, wrong]);
    await expect(readEvents(folder, 'bare', 1)).rejects.toMatchObject({
      code: 'RUN_UNREADABLE',
      message: expect.stringContaining('events.ndjson.gz: line 3: deed'),
    });
  });
});
