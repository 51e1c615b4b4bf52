import { expect, test } from 'vitest';
import { reportOf } from '../../../src/report/model/report.ts';
import { cellOf, experimentOf, runOf } from '../fixture.ts';

const factors = { by: ['end', 'destroy'], closes: ['client', 'server', 'both'], family: [4, 6] };
const cells = factors.by.flatMap((by) =>
  factors.closes.flatMap((closes) =>
    factors.family.flatMap((family) =>
      closes === 'both' && by === 'destroy' && family === 6
        ? []
        : [
            cellOf(
              'order',
              { by, closes, family },
              {
                'timeWait.holder': closes === 'both' && by === 'destroy' ? 'none' : closes,
              },
            ),
          ],
    ),
  ),
);
const matrixOf = (run: Parameters<typeof reportOf>[0]) => reportOf(run).experiments[0]?.matrix;

test('the two factors that tell most outcomes apart are rows and columns; one that tells none apart shares their squares', () => {
  const matrix = matrixOf(runOf([experimentOf({ id: 'order', factors })], cells));
  expect(matrix).toMatchObject({ across: 'closes', down: 'by', facets: [], within: ['family'] });
  expect(matrix?.columns).toEqual(['client', 'server', 'both']);
  expect(matrix?.panels[0]?.rows.map(({ value }) => value)).toEqual(['end', 'destroy']);
  const letters = matrix?.panels[0]?.rows.map(({ squares }) =>
    squares.map((spots) => spots.map(({ letter }) => letter).join('')),
  );
  expect(letters).toEqual([
    ['AA', 'BB', 'CC'],
    ['AA', 'BB', 'D'],
  ]);
});

test('every planned cell has a mark, whether or not it ran', () => {
  const plan = [
    'order/by=end,closes=client,family=4',
    'order/by=end,closes=server,family=4',
    'order/by=destroy,closes=client,family=4',
  ];
  const [first] = cells;
  const errored = cellOf(
    'order',
    { by: 'end', closes: 'server', family: 4 },
    {},
    { status: 'errored', reason: { message: 'x' } },
  );
  const matrix = matrixOf(
    runOf([experimentOf({ id: 'order', factors })], [first as (typeof cells)[number], errored], { plan }),
  );
  const spots = matrix?.panels.flatMap(({ rows }) => rows.flatMap(({ squares }) => squares.flat()));
  expect(spots?.map(({ cell, status }) => [cell, status])).toEqual(
    expect.arrayContaining([
      [plan[0], 'ran'],
      [plan[1], 'errored'],
      [plan[2], 'missing'],
    ]),
  );
  expect(spots).toHaveLength(3);
});

test('what else tells outcomes apart is a panel for each of its values', () => {
  const three = { ...factors, data: ['idle', 'sent'] };
  const all = cells.flatMap((cell) =>
    three.data.map((data) =>
      cellOf(
        'order',
        { ...cell.factors, data },
        { 'timeWait.holder': data === 'idle' ? (cell.facts['timeWait.holder'] ?? null) : 'none' },
      ),
    ),
  );
  const matrix = matrixOf(runOf([experimentOf({ id: 'order', factors: three })], all));
  const named = [matrix?.across, matrix?.down, ...(matrix?.facets ?? [])];
  expect(new Set(named)).toEqual(new Set(['closes', 'data', 'by']));
  expect(matrix?.panels.length).toBeGreaterThan(1);
});
