import { Socket, type TcpSocketConnectOpts } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { bindSocket } from '../native/sockets.ts';
import { closings, isAtOnce } from './closing.ts';
import type { Driven, Interval } from './options.ts';
import type { DriveAsk, LoadTold } from './protocol.ts';

/** A connection: net's socket with what its request needs; further objects would be garbage 20,000 times a second. */
interface Running extends Socket {
  /** When it was begun, or was due; ms. */
  since: number;
  /** Bytes of the response that have not come. */
  missing: number;
  over: boolean;
}

/** Read into: nobody looks at what a server answers. */
const answers = Buffer.alloc(65_536);
/** How late an open loop may be with what is due: its clock is a timer of libuv's. */
const dueEveryMs = 1;
const intervalMs = 100;
const boundLate = { IP_BIND_ADDRESS_NO_PORT: true } as const;
/** As net's own listeners make sockets of descriptors: nothing is read before there is a connection. */
const unstarted = { manualStart: true };
/** After a failure: what has no port to take has none 32 times in 10 µs either. */
const againMs = 10;
/** How long to wait for what is still open when the window is over. */
const tailMs = 3000;

/** Open and close connections for a warm-up and a window, in which they are counted. */
export async function drive(ask: DriveAsk, tell: (told: LoadTold) => void): Promise<Driven> {
  const { closer, by, inFlight, perSecond, responseBytes, targets } = ask;
  const request = Buffer.alloc(ask.requestBytes, 'q');
  const where = targets.map(
    ({ address, port }): TcpSocketConnectOpts => ({
      host: address,
      port,
      autoSelectFamily: false,
      ...(ask.source === 'bound' && { localAddress: ask.from }),
    }),
  );
  const close = closings[by];
  const keeps = closer === 'neither';
  const closesItself = closer === 'client';
  const atOnce = closesItself && isAtOnce(by);
  const halfCloses = closesItself && by === 'half-close';
  const latencies = createHistogram();
  const ofInterval = createHistogram();
  const intervals: Interval[] = [];
  const failed: Record<string, number> = {};
  const open = new Set<Running>();
  let next = 0;
  let finished = 0;
  let before = 0;
  let notBegun = 0;
  let measuring = false;
  let stopped = false;
  const drained = Promise.withResolvers<void>();

  const reading = { onread: { buffer: answers, callback: onRead as (this: unknown, bytes: number) => boolean } };
  const newSocket =
    ask.source === 'bound-late'
      ? () => new Socket({ ...reading, ...unstarted, fd: bindSocket({ address: ask.from, port: 0 }, boundLate) })
      : () => new Socket(reading);
  function begin(since: number): void {
    const socket = newSocket() as Running;
    socket.since = since;
    socket.missing = responseBytes;
    socket.over = false;
    socket.on('error', onError);
    socket.on('connect', onConnect);
    if (!atOnce) socket.on('close', onClose);
    open.add(socket);
    socket.connect(where[next++ % where.length] as TcpSocketConnectOpts);
  }
  function onConnect(this: Socket): void {
    if (halfCloses) this.end(request);
    else this.write(request);
  }
  function onRead(this: Running, bytes: number): boolean {
    this.missing -= bytes;
    if (this.missing > 0) return true;
    if (keeps) again(this);
    else if (closesItself) {
      close(this);
      if (atOnce) over(this);
    }
    return true;
  }
  /** The next request of a connection that is kept. */
  function again(socket: Running): void {
    const now = performance.now();
    if (measuring) count(now - socket.since);
    if (stopped) {
      socket.destroy();
      return;
    }
    socket.since = now;
    socket.missing = responseBytes;
    socket.write(request);
  }
  function onError(this: Socket, error: NodeJS.ErrnoException): void {
    const socket = this as Running;
    // a reset behind the whole answer is how the server closed
    const answered = socket.missing <= 0 && !closesItself;
    over(socket, answered ? undefined : (error.code ?? error.message));
  }
  function onClose(this: Socket): void {
    const socket = this as Running;
    over(socket, socket.missing > 0 && !keeps ? 'CLOSED' : undefined);
  }
  function count(ms: number): void {
    finished++;
    ofInterval.record(Math.max(1, Math.round(ms * 1e6)));
  }
  function endInterval(seconds: number): void {
    if (ofInterval.count === 0) intervals.push({ perSecond: 0, p50Us: 0 });
    else {
      intervals.push({ perSecond: ofInterval.count / seconds, p50Us: ofInterval.percentile(50) / 1000 });
      latencies.add(ofInterval);
    }
    ofInterval.reset();
  }
  function over(socket: Running, failure?: string): void {
    if (socket.over) return;
    socket.over = true;
    open.delete(socket);
    if (measuring) {
      if (failure !== undefined) failed[failure] = (failed[failure] ?? 0) + 1;
      else if (!keeps) count(performance.now() - socket.since);
    } else if (!stopped && failure === undefined) before++;
    if (!stopped && perSecond === undefined) {
      if (failure === undefined) begin(performance.now());
      else setTimeout(() => stopped || begin(performance.now()), againMs);
    }
    if (stopped && open.size === 0) drained.resolve();
  }

  const started = performance.now();
  let due = 0;
  function beginDue(rate: number): void {
    for (let at = started + (due * 1000) / rate; at <= performance.now(); at = started + (++due * 1000) / rate) {
      if (open.size < inFlight) begin(at);
      else if (measuring) notBegun++;
    }
  }
  const pacing = perSecond === undefined ? undefined : setInterval(() => beginDue(perSecond), dueEveryMs);
  if (perSecond === undefined) for (let i = 0; i < inFlight; i++) begin(performance.now());

  await elapsed(started + ask.warmUpSeconds * 1000);
  measuring = true;
  const from = performance.now();
  tell({ window: 'begins' });
  let last = from;
  for (let nth = 1; nth * intervalMs <= ask.seconds * 1000; nth++) {
    await elapsed(from + nth * intervalMs);
    const now = performance.now();
    endInterval((now - last) / 1000);
    last = now;
  }
  await elapsed(from + ask.seconds * 1000);
  const seconds = (performance.now() - from) / 1000;
  measuring = false;
  if (ofInterval.count > 0) latencies.add(ofInterval);
  tell({ window: 'ends' });
  stopped = true;
  clearInterval(pacing);
  const late = setTimeout(drained.resolve, tailMs);
  if (open.size === 0) drained.resolve();
  await drained.promise;
  clearTimeout(late);
  for (const socket of open) socket.destroy();
  const at = (percentile: number) => latencies.percentile(percentile) / 1000;
  const latency = { p50Us: at(50), p75Us: at(75), p99Us: at(99), maxUs: latencies.max / 1000 };
  return { seconds, finished, before, failed, notBegun, latency, intervals };
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms - performance.now()));
