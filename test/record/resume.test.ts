import { expect, test } from 'vitest';
import { LingerlabError } from '../../src/errors.ts';
import { type Current, resumePlan } from '../../src/record/resume.ts';
import { exampleCell, exampleRun } from './example.ts';

const current: Current = {
  kernel: '6.18.44',
  toolVersion: '0.1.0',
  experiments: [
    { id: 'close-order', sourceHash: 'aa' },
    { id: 'another', sourceHash: 'bb' },
  ],
};
const run = { folder: 'results/x', run: exampleRun({ status: 'interrupted' }), cells: [], live: false };

function refusal(change: Partial<Current>, live = false): LingerlabError {
  try {
    resumePlan({ ...run, live }, { ...current, ...change });
  } catch (error) {
    if (error instanceof LingerlabError) return error;
  }
  throw new Error('was not refused');
}

test('runs errored and missing repeats again, not those that ran or cannot run here', () => {
  const previous = {
    ...run,
    run: exampleRun({ repeats: { 'close-order/closes=client': 3 }, status: 'interrupted' }),
    cells: [
      exampleCell(),
      exampleCell({ repeat: 2, status: 'errored' }),
      exampleCell({ id: 'close-order/closes=server', status: 'unsupported' }),
    ],
  };
  const { todo, done } = resumePlan(previous, current);
  expect(todo).toEqual([
    { id: 'close-order/closes=client', repeat: 2 },
    { id: 'close-order/closes=client', repeat: 3 },
  ]);
  expect([...done]).toEqual(['close-order/closes=client 1', 'close-order/closes=server 1']);
});

test('a complete run with nothing left is no error', () => {
  const complete = exampleRun({ status: 'complete', plan: ['close-order/closes=client'] });
  expect(resumePlan({ ...run, run: complete, cells: [exampleCell()] }, current).todo).toEqual([]);
});

test.each([
  ['another kernel', { kernel: '6.12.1' }, 'it ran on kernel 6.18.44, this is 6.12.1'],
  ['another version', { toolVersion: '0.2.0' }, 'lingerlab 0.1.0 made it, this is 0.2.0'],
  [
    'a changed experiment',
    { experiments: [{ id: 'close-order', sourceHash: 'ab' }] },
    'experiment close-order has changed',
  ],
  ['a missing experiment', { experiments: [] }, 'experiment close-order is not there any more'],
])('refuses %s, naming it', (_, change, message) => {
  const error = refusal(change);
  expect(error.code).toBe('RESUME_REFUSED');
  expect(error.message).toContain(message);
  expect(error.remedy).toContain('start a new run');
});

test('names all reasons at once', () => {
  expect(refusal({ kernel: '5.10.0', toolVersion: '9.9.9' }).message).toMatch(/kernel 6\.18\.44.*; lingerlab 0\.1\.0/);
});

test('refuses a run that is still live, naming its process', () => {
  expect(refusal({}, true).message).toContain(`process ${process.pid} is still running it`);
});

test('refuses a run that is packed, telling how it is unpacked', () => {
  expect(() => resumePlan({ ...run, packed: true }, current)).toThrow(
    expect.objectContaining({ code: 'RESUME_REFUSED', remedy: expect.stringContaining('gunzip cells.ndjson.gz') }),
  );
});
