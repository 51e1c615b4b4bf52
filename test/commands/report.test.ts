import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cli } from '../../src/cli.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { ladderSvg } from '../../src/report/ladder/svg.ts';
import { experimentOf, runOf, sampleRun } from '../report/fixture.ts';
import { lostLastAck } from '../report/wire-fixture.ts';

let folder = '';
let out = '';
let told = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lingerlab-report-'));
  [out, told] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function save(...cells: CellRecord[]): Promise<void> {
  const { run } = runOf([experimentOf({ id: 'lost-last-ack' })], cells);
  await writeFile(join(folder, 'run.json'), JSON.stringify(run));
  await writeFile(join(folder, 'cells.ndjson'), cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
}

test('--ladder prints the SVG of the first repeat that ran over a wire, and makes no report', async () => {
  const errored: CellRecord = { ...lostLastAck(), status: 'errored', reason: { code: 'PEER_DIED', message: 'gone' } };
  delete errored.segments;
  const other = { ...lostLastAck(), repeat: 2 };
  await save(errored, other);
  expect(await cli(['report', folder, '--ladder', 'lost-last-ack/timeWait=kept'])).toBe(0);
  expect(out).toBe(ladderSvg(other));
  expect(await readdir(folder)).not.toContain('report.md');
});

test('a cell that the run does not have is told with what was probably meant', async () => {
  await save(lostLastAck());
  expect(await cli(['report', folder, '--ladder', 'lost-last-ack/timeWait=keept'])).toBe(2);
  expect(told).toMatch(/UNKNOWN_CELL: .*did you mean "lost-last-ack\/timeWait=kept"/);
  expect(out).toBe('');
});

test('a cell without a wire is refused, and a cell with a wire is named', async () => {
  const [plain] = sampleRun().cells as [CellRecord];
  await save(lostLastAck(), plain);
  expect(await cli(['report', folder, '--ladder', plain.id])).toBe(2);
  expect(told).toMatch(
    /BAD_OPTION: --ladder: .* did not run over a wire.*\n.*for example lost-last-ack\/timeWait=kept/,
  );
  expect(out).toBe('');
});

test('--ladder and --json are not both', async () => {
  await save(lostLastAck());
  expect(await cli(['report', folder, '--json', '--ladder', 'lost-last-ack/timeWait=kept'])).toBe(2);
});
