import { expect, test } from 'vitest';
import { addressAndPort, sameAddress } from '../../src/tcp/address.ts';

test('an address with its port has brackets around IPv6', () => {
  expect(addressAndPort({ address: '127.0.0.1', port: 80 })).toBe('127.0.0.1:80');
  expect(addressAndPort({ address: '::1', port: 80 })).toBe('[::1]:80');
});

test('two addresses are the same where both address and port are', () => {
  const here = { address: '::1', port: 80 };
  expect(sameAddress(here, { ...here })).toBe(true);
  expect(sameAddress(here, { ...here, port: 81 })).toBe(false);
  expect(sameAddress(here, { ...here, address: '::2' })).toBe(false);
});
