import { closeSync, openSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { insideNamespace } from '../native/namespaces.ts';
import { type Watch, whenReadable } from '../native/poll.ts';
import { fineTimer } from '../native/timer.ts';
import { openTun } from '../native/tun.ts';
import type { Ns } from '../record/event.ts';
import type { WireStatistics } from '../record/wire-statistics.ts';
import { type End, ends } from '../tcp/states.ts';
import { Capture } from './capture.ts';
import { tunDevice } from './device.ts';
import { makeHistory } from './history.ts';
import type { WireTold, WireVerbs } from './protocol.ts';
import { Pump } from './pump.ts';
import { makeWaitingRoom } from './waiting.ts';

/** Shorter stalls are not seen; to look for them would itself be work. */
const stallResolutionMs = 5;

/** The `drop` column of a device's transmitted packets, /proc/net/dev of the thread's present namespace. */
export function txDropped(text: string, device: string): number {
  const line = text.split('\n').find((each) => each.trimStart().startsWith(`${device}:`));
  // after the name: eight columns of what was received, then bytes, packets, errs, drop
  return Number(
    line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)[11] ?? 0,
  );
}

/** A wire at work: its devices, its pump, and what it took from the machine. */
export interface Running extends Disposable {
  readonly pump: Pump;
  readonly addresses: Readonly<Record<End, string>>;
  readonly outside: Readonly<Record<4 | 6, string>>;
  readonly capture: Capture;
  readonly history: ReturnType<typeof makeHistory>;
  readonly room: ReturnType<typeof makeWaitingRoom>;
  statistics(): Omit<WireStatistics, 'held'>;
}

/** Make the devices, each in its namespace, and carry from then on. Throws where one cannot be made. */
export function startRunning(
  { spaces, addresses, outside, device, settings }: WireVerbs['open']['ask'],
  origin: bigint,
  now: () => Ns,
  tell: (told: WireTold) => void,
): Running {
  using scope = new DisposableStack();
  const namespaces = {} as Record<End, number>;
  const fds = {} as Record<End, number>;
  for (const end of ends) {
    namespaces[end] = scope.adopt(openSync(spaces[end], 'r'), closeSync);
    fds[end] = scope.adopt(
      insideNamespace(namespaces[end], () => openTun(device)),
      closeSync,
    );
  }
  const devices = { client: tunDevice(fds.client), server: tunDevice(fds.server) };
  const capture = new Capture({
    ...(settings.capture !== undefined && { file: settings.capture }),
    wallNs: BigInt(settings.wallNs),
    snap: settings.snap ?? 65_535,
    limit: settings.limit ?? 2 ** 30,
  });
  scope.adopt(capture, (each) => each.close());
  const history = makeHistory();
  const room = makeWaitingRoom();
  const timer = scope.use(fineTimer(() => pump.timeout()));
  const pump: Pump = new Pump({
    devices,
    capture,
    history,
    room,
    now,
    arm: (at) => timer.arm(at === undefined ? undefined : origin + BigInt(at)),
    telling: settings.telling ?? 'notable',
    tellAllUpTo: settings.tellAllUpTo ?? Number.POSITIVE_INFINITY,
    tell: (seen) => tell({ seen }),
  });
  for (const end of ends) scope.use<Watch>(whenReadable(fds[end], () => pump.turn()));
  // from now on: the start of the process is nobody's delay
  const delay = monitorEventLoopDelay({ resolution: stallResolutionMs });
  delay.enable();
  scope.defer(() => void delay.disable());
  const kept = scope.move();
  const dropped = (end: End) =>
    insideNamespace(namespaces[end], () => txDropped(readFileSync('/proc/thread-self/net/dev', 'utf8'), device));
  return {
    pump,
    addresses,
    outside,
    capture,
    history,
    room,
    statistics() {
      const {
        carried,
        bytes,
        others,
        refused,
        refusedOwn,
        othersOwn,
        refusedAsExpected,
        faults,
        dropped: drops,
        emitted,
        longestBacklog,
        latest,
      } = pump.counts;
      return {
        carried,
        bytes,
        dropped: drops,
        waiting: room.size,
        emitted,
        others,
        refused,
        refusedOwn,
        othersOwn,
        refusedAsExpected,
        txDropped: { client: dropped('client'), server: dropped('server') },
        longestBacklogMs: longestBacklog / 1e6,
        longestStallMs: Math.max(0, delay.max / 1e6 - stallResolutionMs),
        latestMs: latest / 1e6,
        faults,
        deviceErrors: pump.deviceErrors,
        capture: capture.count,
      };
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}
