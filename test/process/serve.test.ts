import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test.each([
  ['SIGTERM', (child: ReturnType<typeof start>) => child.kill('SIGTERM')],
  ['the end of the harness', (child: ReturnType<typeof start>) => child.disconnect()],
] as const)('a process that cannot clean up at %s says why, and ends with exit code 1', async (_, end) => {
  const child = start();
  const said = text(child.stderr!);
  const ended = once(child, 'exit');
  await once(child, 'message');
  end(child);
  expect(await ended).toEqual([1, null]);
  expect(await said).toBe('could not clean up: EBUSY\n');
});

const start = () =>
  fork(fileURLToPath(new URL('unclean.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
