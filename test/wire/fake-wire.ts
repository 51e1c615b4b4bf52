import type { End } from '../../src/tcp/states.ts';
import { Capture } from '../../src/wire/capture.ts';
import type { Device } from '../../src/wire/device.ts';
import { makeHistory } from '../../src/wire/history.ts';
import type { Telling, ToldPacket } from '../../src/wire/protocol.ts';
import { Pump } from '../../src/wire/pump.ts';
import { makeWaitingRoom } from '../../src/wire/waiting.ts';

/** A device whose packets are put by the test, and which keeps what is written to it. */
function fakeDevice(refuses: (packet: Uint8Array) => string | undefined) {
  const waiting: Uint8Array[] = [];
  const written: Buffer[] = [];
  const device: Device = {
    error: undefined,
    read(into) {
      const packet = waiting.shift();
      if (!packet) return -1;
      into.set(packet);
      return packet.length;
    },
    write(packet) {
      const refused = refuses(packet);
      if (refused === undefined) written.push(Buffer.from(packet));
      return refused;
    },
  };
  return { device, waiting, written };
}

export interface FakeOptions {
  readonly telling?: Telling;
  readonly refuses?: (packet: Uint8Array) => string | undefined;
  readonly snap?: number;
  readonly file?: string;
}

/** A pump between two devices of the test, with a clock that the test turns. */
export function fakeWire({ telling = 'notable', refuses = () => undefined, snap = 65_535, file }: FakeOptions = {}) {
  const ends = { client: fakeDevice(refuses), server: fakeDevice(refuses) };
  const clock = { now: 0, armed: undefined as number | undefined };
  const events: ToldPacket[] = [];
  const capture = new Capture({ wallNs: 10n ** 18n, snap, limit: 2 ** 30, chunkBytes: 2 ** 18, ...(file && { file }) });
  const room = makeWaitingRoom();
  const history = makeHistory();
  const pump = new Pump({
    devices: { client: ends.client.device, server: ends.server.device },
    capture,
    history,
    room,
    now: () => clock.now,
    arm: (at) => {
      clock.armed = at;
    },
    telling,
    tellAllUpTo: Number.POSITIVE_INFINITY,
    tell: (told) => events.push(...told),
  });
  return {
    pump,
    addresses: { client: '10.0.0.1', server: '10.0.0.2' },
    capture,
    room,
    history,
    events,
    clock,
    /** What an end was given. */
    got: (end: End) => ends[end].written,
    /** Packets that an end sends, at one time. */
    send(from: End, ...packets: readonly Uint8Array[]) {
      ends[from].waiting.push(...packets);
      pump.turn();
    },
    /** Packets that an end has sent, and that the wire has not read. */
    queue(from: End, ...packets: readonly Uint8Array[]) {
      ends[from].waiting.push(...packets);
    },
    /** Let time pass, up to each moment for which the timer is armed. */
    until(ns: number) {
      while (clock.armed !== undefined && clock.armed <= ns) {
        clock.now = clock.armed;
        pump.timeout();
      }
      clock.now = ns;
    },
    deeds: () => [...capture.entries()].map(({ packet }) => packet.comment),
  };
}
