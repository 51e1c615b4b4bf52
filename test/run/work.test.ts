import { expect, test, vi } from 'vitest';
import { LingerlabError } from '../../src/errors.ts';
import { cellEvents } from '../../src/record/cell-events.ts';
import { warn } from '../../src/record/warnings.ts';
import { type Played, recorded, type Work } from '../../src/run/work.ts';

const workOf = (written: string[]): Work =>
  ({
    planned: {
      kind: 'scenario',
      id: 'x/a=1',
      experiment: 'x',
      factors: { a: 1 },
      sysctls: {},
      seconds: 1,
      race: false,
    },
    repeat: 1,
    signal: new AbortController().signal,
    asked: {},
    room: { patience: () => 1 },
    writer: { writeEvents: async (id: string) => void written.push(id) },
  }) as unknown as Work;

test.each([
  ['KERNEL_LACKS', 'unsupported'],
  ['STEP_REFUSED', 'errored'],
] as const)('a cell that ends with %s is %s', async (code, status) => {
  const record = await recorded(
    workOf([]),
    { events: cellEvents(), unparsed: [], left: [] },
    () => Promise.reject(new LingerlabError(code, 'it was refused', 'look')),
    () => [],
  );
  expect(record).toMatchObject({ status, reason: { code, message: 'it was refused' } });
});

test('what a cell leaves behind is a warning of it, and no error', async () => {
  const kept = warn('namespace-kept', '1 socket keeps the network namespace 7');
  const record = await recorded(
    workOf([]),
    { events: cellEvents(), unparsed: [], left: [kept] },
    () => Promise.reject(new LingerlabError('KERNEL_LACKS', 'it was refused', 'look')),
    () => [],
  );
  expect(record.warnings).toEqual([kept]);
});

test('a cell that its last deadline gave up and that ends all the same is saved once, as errored', async () => {
  vi.useFakeTimers();
  const written: string[] = [];
  const playing = Promise.withResolvers<Played>();
  const work = workOf(written);
  try {
    const record = recorded(
      work,
      { events: cellEvents(), unparsed: [], left: [] },
      () => playing.promise,
      () => [],
    );
    await vi.advanceTimersByTimeAsync(600_000);
    playing.resolve({ facts: {}, unknown: {}, paths: {}, warnings: [] });
    expect(await record).toMatchObject({ status: 'errored', reason: { code: 'CELL_DEADLINE' } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(written).toEqual(['x/a=1']);
  } finally {
    vi.useRealTimers();
  }
});
