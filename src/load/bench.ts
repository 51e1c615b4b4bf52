import { Socket } from 'node:net';
import { Bench } from 'tinybench';
import type { Driven } from '../experiment/load.ts';
import { closings, isAtOnce } from './closing.ts';
import type { DriveAsk } from './protocol.ts';

/** Open and close one connection after the other, timed by tinybench: its task is the way to close, its latency that of one. */
export async function driveByTinybench(ask: DriveAsk, mark: () => void): Promise<Driven> {
  let next = 0;
  let began = 0;
  let seconds = 0;
  const bench = new Bench({
    time: ask.seconds * 1000,
    warmupTime: ask.warmUpSeconds * 1000,
    iterations: 1,
    warmupIterations: 1,
    throws: true,
    setup(_, mode) {
      began = performance.now();
      if (mode === 'run') mark();
    },
    // the time of its samples leaves out what it does itself between two of them
    teardown(_, mode) {
      seconds = (performance.now() - began) / 1000;
      if (mode === 'run') mark();
    },
  });
  bench.add(ask.by, async () => {
    const failure = await one(ask, next++);
    // its statistics cannot leave it out
    if (failure !== undefined) throw new Error(`tinybench: a connection failed with ${failure}`);
  });
  const [task] = await bench.run();
  const result = task?.result;
  if (result?.state !== 'completed') throw new Error(`tinybench: ${result?.state}`);
  const { p50, p75, p99, max } = result.latency;
  const us = (ms: number) => ms * 1000;
  return {
    seconds,
    finished: task?.runs ?? 0,
    closed: task?.runs ?? 0,
    ever: next,
    before: next - (task?.runs ?? 0),
    failed: {},
    latency: { p50Us: us(p50), p75Us: us(p75), p99Us: us(p99), maxUs: us(max) },
    lateUs: 0,
    intervals: [],
  };
}

/** One connection, from connect() until it is over for the client; the errno where it failed. */
function one({ closer, by, requestBytes, responseBytes, targets }: DriveAsk, nth: number): Promise<string | undefined> {
  const { address, port } = targets[nth % targets.length] as DriveAsk['targets'][number];
  const closesItself = closer === 'client';
  let missing = responseBytes;
  return new Promise((resolve) => {
    const socket = new Socket();
    socket.on('connect', () => {
      const request = Buffer.alloc(requestBytes, 'q');
      if (closesItself && by === 'half-close') socket.end(request);
      else socket.write(request);
    });
    socket.on('data', (chunk) => {
      missing -= chunk.length;
      if (missing > 0 || !closesItself) return;
      closings[by](socket);
      if (isAtOnce(by)) resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(missing <= 0 && !closesItself ? undefined : (error.code ?? error.message));
    });
    socket.on('close', () => resolve(missing > 0 ? 'CLOSED' : undefined));
    socket.connect({ host: address, port, autoSelectFamily: false });
  });
}
