import { expect, test } from 'vitest';
import { builtins, registry } from '../../src/catalogue/registry.ts';
import { slowProfile } from '../../src/kernels/profile.ts';
import { select } from '../../src/plan/select.ts';

const quickly = async () => select(registry(await builtins()), [], { where: {}, all: false, quick: true }).cells;

test('without a selection, few of the quick cells run, and what is left out is counted with its reason', async () => {
  const quick = await quickly();
  const { cells, leftOut } = slowProfile(quick);
  expect(cells.length).toBeGreaterThan(50);
  expect(cells.length).toBeLessThan(80);
  expect(cells.length + leftOut.reduce((sum, each) => sum + each.cells, 0)).toBe(quick.length);
  expect(leftOut.map(({ why }) => why.split(/[:,]/)[0])).toEqual([
    'loads',
    'races',
    'transfers of megabytes',
    'other cells of the same experiments',
  ]);
  expect(cells.filter((cell) => cell.kind === 'load' || cell.race)).toEqual([]);
});

test('every experiment that is no load and no race alone has a cell, and so has each known change', async () => {
  const quick = await quickly();
  const ids = new Set(slowProfile(quick).cells.map(({ id }) => id));
  const asked = quick.filter((cell) => cell.kind === 'scenario' && !cell.race).map(({ experiment }) => experiment);
  const runs = new Set([...ids].map((id) => id.split('/')[0]));
  expect([...new Set(asked)].filter((experiment) => !runs.has(experiment))).toEqual([]);
  for (const part of [
    'bound-port/bound=other-closed-again',
    'closed-window/next=closes-for-good',
    'simultaneous-close/order=one-fin-late',
    'linger-values/value=minus-1',
    'initial-sequence/left=server-time-wait',
  ])
    expect(
      [...ids].some((id) => id.startsWith(part)),
      part,
    ).toBe(true);
});
