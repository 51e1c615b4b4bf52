import { describe, expect, test } from 'vitest';
import { cellsOf } from '../../src/plan/cells.ts';
import type { End } from '../../src/tcp/states.ts';
import { define, defineLoad } from './definitions.ts';

const factors = { closes: ['client', 'server'], linger: ['off', 'zero'], family: [4] };

test('cells are the product of the factors in definition order, the last varying fastest', () => {
  expect(cellsOf(define({ id: 'close-order', factors })).map(({ id }) => id)).toEqual([
    'close-order/closes=client,linger=off,family=4',
    'close-order/closes=client,linger=zero,family=4',
    'close-order/closes=server,linger=off,family=4',
    'close-order/closes=server,linger=zero,family=4',
  ]);
});

test('factor values keep their types', () => {
  const [cell] = cellsOf(define({ id: 'a', factors: { n: [4], b: [false], t: ['x'] } }));
  expect(cell?.factors).toEqual({ n: 4, b: false, t: 'x' });
});

test("without factors there is one cell, and its id is the experiment's", () => {
  expect(cellsOf(define({ id: 'alone' }))).toEqual([
    {
      kind: 'scenario',
      id: 'alone',
      experiment: 'alone',
      factors: {},
      isDefault: true,
      isRare: false,
      repeats: 1,
      race: false,
      network: 'loopback',
      mtu: 1500,
      seconds: 1,
      quiet: false,
      sysctls: {},
      needs: [],
    },
  ]);
});

test('what an experiment says of a cell is asked for each cell', () => {
  const definition = define({
    id: 'a',
    factors: { linger: ['off', 'zero'] },
    only: ({ linger }) => linger === 'off',
    network: ({ linger }) => (linger === 'off' ? 'veth' : 'loopback'),
    mtu: ({ linger }) => (linger === 'off' ? 9000 : 1500),
    seconds: ({ linger }) => (linger === 'off' ? 62 : 2),
    quiet: ({ linger }) => linger === 'zero',
    race: ({ linger }) => (linger === 'zero' ? 20 : false),
    sysctls: ({ linger }) => (linger === 'off' ? { 'net.ipv4.tcp_tw_reuse': 0 } : {}),
  });
  expect(cellsOf(definition)).toMatchObject([
    {
      isDefault: true,
      network: 'veth',
      mtu: 9000,
      seconds: 62,
      quiet: false,
      race: false,
      repeats: 1,
      sysctls: { 'net.ipv4.tcp_tw_reuse': 0 },
    },
    { isDefault: false, network: 'loopback', seconds: 2, quiet: true, race: true, repeats: 20, sysctls: {} },
  ]);
});

test('what holds for all cells is given without a function', () => {
  expect(cellsOf(define({ id: 'a', network: 'veth', seconds: 3, quiet: true }))[0]).toMatchObject({
    network: 'veth',
    seconds: 3,
    quiet: true,
  });
});

describe('an answer that cannot be is refused with the cell', () => {
  const wrong = (value: unknown) => (() => value) as () => never;
  test.each([
    ['only', 1, 'must be true or false, not 1'],
    ['network', 'bridge', 'must be "loopback", "veth", "routed" or "wire", not \'bridge\''],
    ['seconds', Number.NaN, 'must be a positive number of seconds, not NaN'],
    ['seconds', 0, 'must be a positive number of seconds, not 0'],
    ['mtu', 1279, 'must be a whole number of bytes from 1280 to 65535, not 1279'],
    ['mtu', 65_536, 'must be a whole number of bytes from 1280 to 65535, not 65536'],
    ['quiet', undefined, 'must be true or false, not undefined'],
    ['race', 0, 'must be false or a number of repeats, not 0'],
    ['race', 1.5, 'must be false or a number of repeats, not 1.5'],
    ['race', true, 'must be false or a number of repeats, not true'],
    [
      'needs',
      ['a-wish'],
      `must be a list of "another-user", "own-kernel" and "program:python3" or the like, not [ 'a-wish' ]`,
    ],
    ['sysctls', ['a'], "must be sysctl names with texts or numbers, not [ 'a' ]"],
    ['sysctls', { 'net ipv4': 1 }, "must be sysctl names with texts or numbers, not { 'net ipv4': 1 }"],
    ['sysctls', { 'net.a': true }, "must be sysctl names with texts or numbers, not { 'net.a': true }"],
  ])('%s: %j', (name, value, message) => {
    const definition = define({ id: 'a', factors: { f: ['x'] }, [name]: wrong(value) });
    expect(() => cellsOf(definition)).toThrow(
      expect.objectContaining({ code: 'BAD_DEFINITION', message: `a/f=x: the experiment's "${name}" ${message}` }),
    );
  });

  test('and so is a function that throws', () => {
    const definition = define({
      id: 'a',
      seconds: () => {
        throw new Error('boom');
      },
    });
    expect(() => cellsOf(definition)).toThrow('a: the experiment\'s "seconds" threw: boom');
  });
});

test("a cell says which end has which role; a role that is no end's is refused", () => {
  const roles = { closing: (cell: { readonly closes?: End }) => cell.closes as End };
  const cells = cellsOf(define({ id: 'a', factors: { closes: ['client', 'server'] }, roles }));
  expect(cells.map((cell) => cell.kind === 'scenario' && cell.roles)).toEqual([
    { closing: 'client' },
    { closing: 'server' },
  ]);
  expect(() => cellsOf(define({ id: 'a', factors: { closes: ['both'] }, roles }))).toThrow(
    'a/closes=both: the experiment\'s "roles.closing" must be "client" or "server", not \'both\'',
  );
});

describe('the cells of loads', () => {
  const factors = { closer: ['client', 'server'], by: ['end', 'destroy'] };

  test('name the cell that each is compared with: factors that are not named have its own values', () => {
    const cells = cellsOf(defineLoad({ id: 'l', factors, load: { repeats: 3, baseline: { by: 'destroy' } } }));
    expect(cells.map((cell) => cell.kind === 'load' && [cell.id, cell.repeats, cell.baseline])).toEqual([
      ['l/closer=client,by=end', 3, 'l/closer=client,by=destroy'],
      ['l/closer=client,by=destroy', 3, undefined],
      ['l/closer=server,by=end', 3, 'l/closer=server,by=destroy'],
      ['l/closer=server,by=destroy', 3, undefined],
    ]);
    const some = ({ closer }: { closer?: unknown }) => (closer === 'client' ? { by: 'end' } : undefined);
    const few = cellsOf(defineLoad({ id: 'l', factors, load: { repeats: () => 2, baseline: some } }));
    expect(few.map((cell) => cell.kind === 'load' && cell.baseline)).toEqual([
      undefined,
      'l/closer=client,by=end',
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['load.repeats', { repeats: () => 0 }, 'must be a number of repeats, not 0'],
    ['load.baseline', { repeats: 1, baseline: { by: 'ends' } }, "of each, not { by: 'ends' }"],
    ['load.baseline', { repeats: 1, baseline: () => ({ on: 'veth' }) }, "of each, not { on: 'veth' }"],
  ])('are refused where %s cannot be', (name, load, message) => {
    const cells = () => cellsOf(defineLoad({ id: 'l', factors, load }));
    expect(cells).toThrow(expect.objectContaining({ code: 'BAD_DEFINITION' }));
    expect(cells).toThrow(`l/closer=client,by=end: the experiment's "${name}"`);
    expect(cells).toThrow(message);
  });
});
