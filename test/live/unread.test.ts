import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SampleEvent } from '../../src/record/event.ts';
import { readEvents, readRun } from '../../src/record/read.ts';
import type { CellRecord } from '../../src/record/schema.ts';
import { reasonText } from '../../src/report/reason.ts';
import { lingerlab, live, own, scratch } from './program.ts';
import { oneColumnMore, pathWith } from './rewritten-ss.ts';

const ran = (cells: readonly CellRecord[]) => cells.filter(({ status }) => status === 'ran');
const verdicts = (cells: readonly CellRecord[]) => ran(cells).flatMap(({ claims }) => claims);

live('ss that prints a column that is not known', () => {
  test('refutes nothing and ends no path: what was not understood was not observed', async () => {
    const folder = await scratch();
    const env = { PATH: await pathWith(folder, oneColumnMore) };
    const out = join(folder, 'run');
    await lingerlab(['run', 'close-order', '--quick', '--out', out], { env });
    const { cells } = await readRun(out);
    expect(ran(cells).length).toBeGreaterThan(0);
    expect(cells.filter(({ status }) => status === 'errored')).toEqual([]);
    expect(verdicts(cells).filter(({ verdict }) => verdict === 'refuted')).toEqual([]);
    for (const { id, repeat, paths, warnings } of cells) {
      const steps = Object.values(paths).flat();
      expect(steps.filter(({ state, source }) => state === 'CLOSED' && source === 'ss')).toEqual([]);
      expect(warnings.map(({ code }) => code)).toContain('ss-unparsed-line');
      const samples = (await readEvents(out, id, repeat))!.filter(
        (event): event is SampleEvent => event.kind === 'sample',
      );
      // nothing there, or nothing understood
      for (const { sockets } of samples) expect(sockets).toEqual([]);
      expect(samples.some(({ unread = 0 }) => unread > 0)).toBe(true);
    }
  });

  test('makes a look fail with the reason, where it would say that there is no socket', async () => {
    const folder = await scratch();
    const env = { PATH: await pathWith(folder, oneColumnMore) };
    const file = own('looked');
    const out = join(folder, 'run');
    const { exitCode } = await lingerlab(['run', file, '--out', out], { env });
    const [cell] = (await readRun(out)).cells;
    expect([exitCode, cell?.status]).toEqual([1, 'errored']);
    expect(cell && reasonText(cell)).toMatch(
      /^NOT_OBSERVED: look\(\): the client's socket was not observed: 3 lines of ss have an unknown format/,
    );
  });
});
