import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type SelectOptions, select } from '../../src/plan/select.ts';
import { defineLoad, load } from './definitions.ts';

const all = [
  load({ id: 'alone' }),
  load({
    id: 'close-order',
    factors: { closes: ['client', 'server'], linger: ['off', 'zero', 'full'] },
    only: ({ linger }) => linger !== 'full',
  }),
  load({ id: 'close-race', factors: { closes: ['client', 'both'] }, race: () => 20 }),
  load({ id: 'reuse', factors: { family: [4, 6] } }, '/home/me/reuse.ts'),
];
const plain: SelectOptions = { where: {}, all: false, quick: false };
const selection = (patterns: string[], options: Partial<SelectOptions> = {}) =>
  select(all, patterns, { ...plain, ...options });
const ids = (patterns: string[], options: Partial<SelectOptions> = {}) =>
  selection(patterns, options).cells.map(({ id }) => id);
const refusal = (patterns: string[], options: Partial<SelectOptions> = {}) => {
  try {
    return ids(patterns, options);
  } catch (thrown) {
    const { code, message, remedy } = thrown as { code: string; message: string; remedy: string };
    return { code, message, remedy };
  }
};

const defaultOrder = [
  'close-order/closes=client,linger=off',
  'close-order/closes=client,linger=zero',
  'close-order/closes=server,linger=off',
  'close-order/closes=server,linger=zero',
];

describe('patterns', () => {
  test('none at all is every default cell', () => {
    expect(ids([])).toEqual([
      'alone',
      ...defaultOrder,
      'close-race/closes=client',
      'close-race/closes=both',
      'reuse/family=4',
      'reuse/family=6',
    ]);
  });

  test('are ids, in whatever order, each cell once', () => {
    expect(ids(['reuse', 'alone', 'reuse'])).toEqual(['alone', 'reuse/family=4', 'reuse/family=6']);
    expect(selection(['reuse', 'alone']).experiments).toEqual([all[0], all[3]]);
  });

  test('are globs over ids', () => {
    expect(ids(['close-*'])).toEqual([...defaultOrder, 'close-race/closes=client', 'close-race/closes=both']);
    expect(ids(['?lone', 'reus?'])).toEqual(['alone', 'reuse/family=4', 'reuse/family=6']);
  });

  test('are cell ids, with factors in any order', () => {
    expect(ids(['close-order/closes=server,linger=off'])).toEqual(['close-order/closes=server,linger=off']);
    expect(ids(['close-order/linger=off,closes=server'])).toEqual(['close-order/closes=server,linger=off']);
    expect(ids(['reuse/family=6'])).toEqual(['reuse/family=6']);
    expect(ids(['alone'])).toEqual(['alone']);
  });

  test('are cell ids with some of the factors', () => {
    expect(ids(['close-order/linger=off'])).toEqual([defaultOrder[0], defaultOrder[2]]);
    expect(ids(['close-*/closes=client'])).toEqual([defaultOrder[0], defaultOrder[1], 'close-race/closes=client']);
  });

  test('are globs over cell ids', () => {
    expect(ids(['close-order/*linger=zero'])).toEqual([defaultOrder[1], defaultOrder[3]]);
    expect(ids(['close-order/linger=z*,closes=c*'])).toEqual([defaultOrder[1]]);
    expect(ids(['alone/*', 'reuse/*6'])).toEqual(['alone', 'reuse/family=6']);
    expect(ids(['*/closes=c*'])).toEqual([defaultOrder[0], defaultOrder[1], 'close-race/closes=client']);
  });

  test('are the paths of loaded files, however they are written', () => {
    expect(ids(['/home/me/reuse.ts'])).toEqual(['reuse/family=4', 'reuse/family=6']);
    expect(ids([relative(process.cwd(), '/home/me/reuse.ts')])).toEqual(['reuse/family=4', 'reuse/family=6']);
  });

  test('do not take a dot or a bracket for more than itself', () => {
    expect(refusal(['clos.-*'])).toMatchObject({ code: 'UNKNOWN_EXPERIMENT' });
    expect(refusal(['[c]lose-*'])).toMatchObject({ code: 'UNKNOWN_EXPERIMENT' });
  });
});

describe('outside the default matrix', () => {
  test('cells run with --all', () => {
    expect(ids(['close-order'], { all: true })).toHaveLength(6);
    expect(ids(['close-order'], { all: true, where: { linger: ['full'] } })).toHaveLength(2);
  });

  test('a cell runs when it is named whole', () => {
    const named = 'close-order/closes=client,linger=full';
    expect(ids([named])).toEqual([named]);
    expect(ids(['close-order/linger=full,closes=client'])).toEqual([named]);
    expect(ids(['close-order', named])).toEqual([...defaultOrder.slice(0, 2), named, ...defaultOrder.slice(2)]);
  });

  test('the one cell of an experiment without factors runs by its id, not by a glob', () => {
    const rare = [load({ id: 'rare', only: () => false }), load({ id: 'rarely' })];
    expect(select(rare, ['rare'], plain).cells.map(({ id }) => id)).toEqual(['rare']);
    expect(select(rare, ['rare*'], plain).cells.map(({ id }) => id)).toEqual(['rarely']);
  });

  test('what was named only in part asks for --all', () => {
    expect(refusal(['close-order/linger=full'])).toEqual({
      code: 'NOTHING_SELECTED',
      message: 'no cell is selected: the 2 that match are outside the default matrix',
      remedy: 'add --all, or name a cell by its whole id',
    });
    expect(refusal(['close-order'], { where: { linger: ['full'], closes: ['client'] } })).toMatchObject({
      message: 'no cell is selected: the one that matches is outside the default matrix',
    });
  });
});

describe('cells that whenNamed gives', () => {
  const rare = load({
    id: 'rare',
    factors: { closes: ['client', 'server'], bytes: [1, 2, 3] },
    only: ({ bytes }) => bytes === 1,
    whenNamed: ({ bytes }) => bytes === 3,
  });
  const found = (patterns: string[], options: Partial<SelectOptions>) =>
    select([...all, rare], patterns, { ...plain, ...options })
      .cells.filter(({ experiment }) => experiment === 'rare')
      .map(({ id }) => id);
  const without = [1, 2].map((bytes) => `rare/closes=client,bytes=${bytes}`);

  test('are left out of --all, and of a pattern that names the experiment', () => {
    const usual = [...without, 'rare/closes=server,bytes=1', 'rare/closes=server,bytes=2'];
    expect(found([], { all: true })).toEqual(usual);
    expect(found(['rare'], { all: true })).toEqual(usual);
    expect(found(['rare'], {})).toEqual([without[0], 'rare/closes=server,bytes=1']);
  });

  test('run with --all where values are named, and where a pattern names one whole', () => {
    const some = [...without, 'rare/closes=client,bytes=3'];
    expect(found([], { all: true, where: { closes: ['client'] } })).toEqual(some);
    expect(found(['rare/closes=client'], { all: true })).toEqual(some);
    expect(found(['rare/closes=server,bytes=3'], {})).toEqual(['rare/closes=server,bytes=3']);
    expect(found(['rare'], { where: { closes: ['client'] } })).toEqual([without[0]]);
  });
});

describe('--where', () => {
  test('keeps the cells with these values and drops experiments without the factor', () => {
    expect(ids([], { where: { closes: ['client'] } })).toEqual([
      defaultOrder[0],
      defaultOrder[1],
      'close-race/closes=client',
    ]);
    expect(selection([], { where: { closes: ['both'] } }).experiments).toEqual([all[2]]);
  });

  test('matches values as they are printed', () => {
    expect(ids([], { where: { family: ['6'] } })).toEqual(['reuse/family=6']);
  });

  test('narrows cells that are named, too', () => {
    expect(ids(['close-order/closes=client,linger=full', 'reuse'], { where: { family: ['4'] } })).toEqual([
      'reuse/family=4',
    ]);
  });

  test('knows a factor only if a selected experiment has it', () => {
    expect(refusal(['close-order'], { where: { family: ['4'] } })).toMatchObject({
      code: 'UNKNOWN_FACTOR',
      remedy: 'factors: closes, linger',
    });
    expect(refusal(['alone'], { where: { family: ['4'] } })).toMatchObject({
      code: 'UNKNOWN_FACTOR',
      remedy: 'leave --where out: these experiments have no factors',
    });
  });

  test('names the nearest value', () => {
    expect(refusal([], { where: { closes: ['clinet'] } })).toEqual({
      code: 'UNKNOWN_FACTOR_VALUE',
      message: 'factor "closes" has no value "clinet" (did you mean "client"?)',
      remedy: 'values of closes: client, server, both',
    });
  });

  test('that no cell fulfils at once selects nothing', () => {
    expect(refusal([], { where: { closes: ['both'], linger: ['off'] } })).toMatchObject({ code: 'NOTHING_SELECTED' });
  });
});

describe('--quick', () => {
  test('takes as few cells as have every value, and at most two repeats', () => {
    const { cells } = selection([], { quick: true });
    expect(cells.map(({ id }) => id)).toEqual([
      'alone',
      'close-order/closes=client,linger=off',
      'close-order/closes=server,linger=zero',
      'close-race/closes=client',
      'close-race/closes=both',
      'reuse/family=4',
      'reuse/family=6',
    ]);
    expect(cells.find(({ id }) => id === 'close-race/closes=both')).toMatchObject({ race: true, repeats: 2 });
    expect(cells[0]?.repeats).toBe(1);
  });

  test('covers what is left by the other options', () => {
    expect(ids(['close-order'], { quick: true, all: true })).toHaveLength(3);
    expect(ids(['close-order'], { quick: true, where: { linger: ['off'] } })).toHaveLength(2);
  });

  test('keeps what the cells of loads are compared with, which runs before and after each of them', () => {
    const definition = defineLoad({
      id: 'loads',
      factors: { by: ['end', 'destroy', 'reset'], on: ['loopback', 'veth'] },
      load: { repeats: 20, baseline: { by: 'destroy' } },
    });
    const { cells } = select([load(definition)], [], { where: {}, all: false, quick: true });
    expect(cells.map(({ id, repeats }) => [id, repeats])).toEqual([
      ['loads/by=end,on=loopback', 2],
      ['loads/by=destroy,on=loopback', 5],
      ['loads/by=destroy,on=veth', 2],
      ['loads/by=reset,on=loopback', 2],
    ]);
  });

  test('drops no cell that was named whole', () => {
    const named = ['close-order/closes=server,linger=off', 'close-order/closes=server,linger=zero'];
    expect(ids(named, { quick: true })).toEqual(named);
  });
});

describe('repeats', () => {
  test("are the experiment's, or those asked for", () => {
    expect(selection(['close-race']).cells.map(({ repeats }) => repeats)).toEqual([20, 20]);
    expect(selection(['alone', 'close-race'], { repeat: 3, quick: true }).cells.map(({ repeats }) => repeats)).toEqual([
      3, 3, 3,
    ]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d are refused', (repeat) => {
    expect(refusal([], { repeat })).toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('what does not exist', () => {
  test('is refused with the nearest experiment', () => {
    expect(refusal(['close-oder'])).toEqual({
      code: 'UNKNOWN_EXPERIMENT',
      message: 'there is no experiment "close-oder" (did you mean "close-order"?)',
      remedy: 'run `lingerlab list` for all experiments',
    });
    expect(refusal(['close-oder/closes=client,linger=off'])).toMatchObject({ code: 'UNKNOWN_EXPERIMENT' });
    expect(refusal(['nothing-*'])).toMatchObject({ message: 'no experiment matches "nothing-*"' });
    expect(refusal([''])).toMatchObject({ code: 'UNKNOWN_EXPERIMENT' });
  });

  test('is refused with the nearest factor and value of a cell', () => {
    expect(refusal(['close-order/close=client,linger=off'])).toMatchObject({
      code: 'UNKNOWN_FACTOR',
      message: 'there is no factor "close" in experiment "close-order" (did you mean "closes"?)',
    });
    expect(refusal(['close-order/closes=client,linger=of'])).toMatchObject({
      code: 'UNKNOWN_FACTOR_VALUE',
      message: 'factor "linger" has no value "of" (did you mean "off"?)',
    });
  });

  test.each([
    'close-order/',
    'close-order/client',
    'close-order/closes=client,closes=server',
    'close-order/closes=',
    'close-order/*=nothing',
  ])('%j is an UNKNOWN_CELL', (pattern) => {
    expect(refusal([pattern])).toMatchObject({ code: 'UNKNOWN_CELL', message: `no cell matches "${pattern}"` });
  });
});
