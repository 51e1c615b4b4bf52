import { describe, expect, test } from 'vitest';
import { addressesOf } from '../../src/lab/addresses.ts';
import { addressBytes, addressText } from '../../src/tcp/address-text.ts';
import { ends } from '../../src/tcp/states.ts';

const networks = ['loopback', 'veth', 'wire'] as const;
const families = [4, 6] as const;

const canonical = (address: string): string => addressText(addressBytes(address), 0, address.includes(':') ? 6 : 4);

test('no two cells of a run, whatever their networks, and no two runs have an address in common', () => {
  const cells = [0, 1, 12, 13, 21].flatMap((block) =>
    [1, 2, 3, 31, 32, 33, 255, 256, 257, 1024, 8191].map((serial) => ({ block, serial })),
  );
  const owner = new Map<string, string>();
  for (const network of networks)
    for (const { block, serial } of cells)
      for (const address of addressesOf(network, block, serial).alone) {
        // a cell has one network
        const cell = `${block} ${serial}`;
        expect(owner.get(address) ?? cell, address).toBe(cell);
        owner.set(address, cell);
      }
});

test('what may be another cell’s is told from what is nobody’s', () => {
  const { alone, isOthers } = addressesOf('veth', 2, 5);
  for (const address of alone) expect(isOthers(address), address).toBe(false);
  for (const network of networks)
    for (const address of addressesOf(network, 3, 8191).alone) expect(isOthers(address), address).toBe(true);
  for (const address of ['127.0.0.1', '127.0.0.2', '127.200.0.1', '0.0.0.0', '::', '::1', 'fe80::1', '192.0.2.1'])
    expect(isOthers(address), address).toBe(false);
});

describe.each(networks)('on %s', (network) => {
  test('each is written as the kernel’s text of it is, however many cells there were', () => {
    for (const serial of [0, 1, 255, 256, 8190, 8191, 8192, 65_535, 65_536, 1_000_000])
      for (const block of [0, 9, 21])
        for (const address of addressesOf(network, block, serial).alone) expect(canonical(address)).toBe(address);
    expect(addressesOf('veth', 0, 8193).alone).toEqual(addressesOf('veth', 0, 1).alone);
  });

  test.each(families)('each end has two of IPv%i', (family) => {
    const { alone, ...addresses } = addressesOf(network, 3, 700);
    for (const end of ends) {
      expect(addresses.of(end, family, 'other')).not.toBe(addresses.of(end, family));
      expect(alone).toContain(addresses.of(end, family, 'other'));
      expect([...alone, '::1']).toContain(addresses.of(end, family));
    }
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
