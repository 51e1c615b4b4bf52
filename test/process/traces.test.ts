import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const room = new URL('../../src/process/traces.ts', import.meta.url).href;

/** Runs the lines in a process of their own: a test runner opens and closes what it likes meanwhile. */
async function found(...lines: readonly string[]): Promise<unknown> {
  const code = [`import { traces } from ${JSON.stringify(room)};`, ...lines].join('\n');
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  return JSON.parse(stdout);
}

test('a process that has what it had is clean', async () => {
  expect(await found('console.log(JSON.stringify(await traces().since(0)));')).toEqual([]);
});

test.each([
  {
    what: 'a descriptor',
    named: /^descriptor \d+ \/dev\/null$/,
    make: "const fd = openSync('/dev/null', 'r');",
    end: 'closeSync(fd);',
  },
  {
    what: 'a timer',
    named: /^Timeout$/,
    make: 'const timer = setTimeout(() => undefined, 60_000);',
    end: 'clearTimeout(timer);',
  },
  {
    what: 'a listener for a signal',
    named: /^\d+ listeners for SIGUSR2$/,
    make: "const survive = () => undefined; process.on('SIGUSR2', survive);",
    end: "process.off('SIGUSR2', survive);",
  },
])('$what is left over until it is gone', async ({ named, make, end }) => {
  const [during, after] = (await found(
    "import { closeSync, openSync } from 'node:fs';",
    'const before = traces();',
    make,
    'const during = await before.since(5);',
    end,
    // libuv closes a handle in the turn of the loop behind the call
    'console.log(JSON.stringify([during, await before.since(2000)]));',
  )) as [string[], string[]];
  expect(during).toContainEqual(expect.stringMatching(named));
  expect(after).toEqual([]);
});

test('sockets that net has destroyed leave nothing', async () => {
  const left = await found(
    "import { connect, createServer } from 'node:net';",
    "import { once } from 'node:events';",
    'const before = traces();',
    "const server = createServer((socket) => { socket.destroy(); server.close(); }).listen(0, '127.0.0.1');",
    "await once(server, 'listening');",
    "const client = connect(server.address().port, '127.0.0.1').on('error', () => undefined).resume();",
    "await once(client, 'close');",
    'console.log(JSON.stringify(await before.since(1000)));',
  );
  expect(left).toEqual([]);
});
