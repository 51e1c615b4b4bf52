import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { traces } from '../../src/peers/traces.ts';

test('a process that has what it had is clean', async () => {
  expect(await traces().since(0)).toEqual([]);
});

const kinds: readonly { readonly what: string; readonly named: RegExp; readonly make: () => () => void }[] = [
  {
    what: 'a descriptor',
    named: /^descriptor \d+ \/dev\/null$/,
    make() {
      const fd = openSync('/dev/null', 'r');
      return () => closeSync(fd);
    },
  },
  {
    what: 'a timer',
    named: /^Timeout$/,
    make() {
      const timer = setTimeout(() => undefined, 60_000);
      return () => clearTimeout(timer);
    },
  },
  {
    what: 'a listener for a signal',
    named: /^\d+ listeners for SIGUSR2$/,
    make() {
      process.on('SIGUSR2', survive);
      return () => process.off('SIGUSR2', survive);
    },
  },
];

test.each(kinds)('$what is left over until it is gone', async ({ named, make }) => {
  const before = traces();
  const end = make();
  try {
    expect(await before.since(5)).toContainEqual(expect.stringMatching(named));
  } finally {
    end();
  }
  // libuv closes a handle in the turn of the loop behind the call
  expect(await before.since(2000)).toEqual([]);
});

function survive(): void {
  // it lives on
}
