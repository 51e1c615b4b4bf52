import { expect, test } from 'vitest';
import { driveByLibc, serveByLibc } from '../../src/load/libc.ts';
import { planOf } from '../../src/load/plan.ts';

/** Of no other test. */
const port = 28_431;

test('connections without net carry a request and a response of many segments, and none fails', async () => {
  const plan = planOf({
    sockets: 'libc',
    seconds: 0.2,
    warmUpSeconds: 0.05,
    inFlight: 4,
    requestBytes: 3,
    responseBytes: 70_000,
  });
  const server = await serveByLibc({ ...plan, port, reusePort: false });
  let marks = 0;
  const ask = { ...plan, targets: [{ address: '127.0.0.1', port }], from: '127.0.0.1' };
  const done = await driveByLibc(ask, () => void marks++);
  await server.close();
  expect(marks).toBe(2);
  expect(done.failed).toEqual({});
  expect(done.closed).toBeGreaterThan(10);
  expect(done.ever).toBeGreaterThanOrEqual(done.closed + done.before);
});

test('where nobody listens, each connection fails with its errno', async () => {
  const plan = planOf({ sockets: 'libc', seconds: 0.1, warmUpSeconds: 0, inFlight: 2 });
  const targets = [{ address: '127.0.0.1', port: 1 }];
  const done = await driveByLibc({ ...plan, targets, from: '127.0.0.1' }, () => undefined);
  expect(done.closed).toBe(0);
  expect(Object.keys(done.failed)).toEqual(['ECONNREFUSED']);
});
