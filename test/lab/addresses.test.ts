import { describe, expect, test } from 'vitest';
import { addressesOf } from '../../src/lab/addresses.ts';
import { addressBytes } from '../../src/tcp/address-text.ts';
import { ends } from '../../src/tcp/states.ts';

const networks = ['loopback', 'veth', 'wire'] as const;
const families = [4, 6] as const;

describe.each(networks)('on %s', (network) => {
  test('no two cells of a run, and no two runs, have an address in common', () => {
    const all = [0, 1, 21].flatMap((block) =>
      [1, 2, 31, 32, 33, 255, 256, 1024].flatMap((serial) => addressesOf(network, block, serial).alone),
    );
    expect(new Set(all).size).toBe(all.length);
    for (const address of all) expect(() => addressBytes(address)).not.toThrow();
  });

  test.each(families)('each end has two of IPv%i', (family) => {
    const { of, alone } = addressesOf(network, 3, 700);
    for (const end of ends) {
      expect(of(end, family, 'other')).not.toBe(of(end, family));
      expect(alone).toContain(of(end, family, 'other'));
      expect([...alone, '::1']).toContain(of(end, family));
    }
  });

  test('a run that goes on and on has addresses again that are free by then', () => {
    for (const serial of [8191, 8192, 65_535, 65_536, 1_000_000])
      for (const address of addressesOf(network, 21, serial).alone) expect(() => addressBytes(address)).not.toThrow();
    expect(addressesOf('veth', 0, 8193).alone).toEqual(addressesOf('veth', 0, 1).alone);
  });
});

test('both ends have the same on loopback, and none on a link', () => {
  const [loopback, veth] = [addressesOf('loopback', 0, 1), addressesOf('veth', 0, 1)];
  for (const family of families) {
    expect(loopback.of('client', family)).toBe(loopback.of('server', family));
    expect(veth.of('client', family)).not.toBe(veth.of('server', family));
  }
  expect(loopback.of('client', 6)).toBe('::1');
  expect(loopback.alone).not.toContain('::1');
});

test('the ends of a link are in one network of theirs', () => {
  const hosts = (serial: number) =>
    ends.map((end) => addressBytes(addressesOf('veth', 0, serial).of(end, 4))).map((bytes) => (bytes[3] ?? 0) >> 3);
  expect(hosts(5)).toEqual([5, 5]);
  expect(hosts(6)).toEqual([6, 6]);
});
