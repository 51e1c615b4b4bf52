import { setTimeout as sleep } from 'node:timers/promises';
import type { PatternData } from '../experiment/patterns.ts';
import type { Ns, SegmentSighting, Sighting } from '../record/event.ts';
import { echoRequest } from '../tcp/echo.ts';
import { parse } from '../tcp/segment.ts';
import { type End, ends, otherEnd } from '../tcp/states.ts';
import type { Capture, Entry } from './capture.ts';
import type { History, Seen } from './history.ts';
import { matches } from './match.ts';
import type { CapturedPacket } from './pcapng.ts';
import type { Pump } from './pump.ts';
import { sighting } from './report.ts';
import { deedText } from './say.ts';

/** The one that is looked for, among packets given in their order. */
function finder({ match, ordinal = 1 }: PatternData): (seen: Seen) => boolean {
  let count = 0;
  return (seen) => matches(match, seen) && ++count === ordinal;
}

/** Returns a shortened packet in its original length, with zeros for the missing payload; the headers are whole. */
function filledUp({ bytes, original }: CapturedPacket): Uint8Array {
  const whole = new Uint8Array(original);
  whole.set(bytes);
  return whole;
}

/** Where packets are looked for. */
interface Looking {
  readonly capture: Capture;
  readonly history: History;
  readonly pump: Pump;
  /** At which each end can be pinged. */
  readonly addresses: Readonly<Record<End, string>>;
}

function recalled(history: History, { n, t, from, packet }: Entry): { seen: Seen; cut: boolean } {
  const cut = packet.bytes.length < packet.original;
  const parsed = parse(cut ? filledUp(packet) : packet.bytes);
  return { seen: history.describe(n, t, from, packet.original, parsed), cut };
}

/** A look-out for the first packet from now on of which something is true. */
interface Lookout {
  readonly seen: Promise<Seen>;
  readonly found: () => Seen | undefined;
  readonly stop: () => void;
}

function next(pump: Pump, isWanted: (seen: Seen) => boolean): Lookout {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  let found: Seen | undefined;
  const watch = (seen: Seen): void => {
    if (!isWanted(seen)) return;
    pump.watchers.delete(watch);
    found = seen;
    resolve(seen);
  };
  pump.watchers.add(watch);
  return { seen: promise, found: () => found, stop: () => void pump.watchers.delete(watch) };
}

/** The first packet behind a number that is found, as far as memory has them. */
function firstKnown(
  { capture, history }: Looking,
  after: number,
  found: (seen: Seen) => boolean,
): Sighting | undefined {
  for (const entry of capture.entries(after + 1)) {
    if (entry.emitted) continue;
    const { seen, cut } = recalled(history, entry);
    if (found(seen)) return sighting(seen, cut);
  }
  return undefined;
}

/** Resolves with the first packet after a number that a pattern means: from the history, as far as memory has it, or to come. */
export async function whenSeen(looking: Looking, pattern: PatternData, after: number): Promise<Sighting> {
  const found = finder(pattern);
  return (
    firstKnown(looking, after, found) ??
    sighting(await next(looking.pump, (seen) => seen.n > after && found(seen)).seen)
  );
}

/** How often the wire looks whether it runs, while time passes. */
const sliceMs = 10;
/** A timer that is so late is late by the event loop's own measure, and not for want of a processor. */
const usualDelay: Ns = 5_000_000;

/** Resolves when so much time has passed in which the wire ran: what it was stalled for does not count. */
async function lapse(ns: Ns, isOver: () => boolean): Promise<void> {
  for (let left = ns; left > 0 && !isOver(); ) {
    const slice = Math.min(left, sliceMs * 1e6);
    const began = performance.now();
    await sleep(slice / 1e6);
    left -= Math.min((performance.now() - began) * 1e6, slice + usualDelay);
  }
}

/**
 * Resolves with the first packet after a number that a pattern means, or undefined when so much time has passed without one. The
 * time in which the wire was stalled does not count, and it ends when both ends have answered an echo request that was sent
 * after it: everything that their kernels had sent by then, and what they had to say to all that they were given, has been read.
 */
export async function seenWithin(
  looking: Looking,
  pattern: PatternData,
  after: number,
  ns: Ns,
  token: () => number,
): Promise<Sighting | undefined> {
  const { pump } = looking;
  const found = finder(pattern);
  const known = firstKnown(looking, after, found);
  if (known) return known;
  const { seen, found: come, stop } = next(pump, (each) => each.n > after && found(each));
  await Promise.race([seen, lapse(ns, () => come() !== undefined)]);
  pump.drain();
  if (!come()) await Promise.race([seen, Promise.all(ends.map((end) => pinged(looking, end, token())))]);
  stop();
  const first = come();
  return first && sighting(first);
}

/** Resolves when an end has answered an echo request that is sent to it now. */
async function pinged({ pump, addresses }: Looking, end: End, token: number): Promise<void> {
  const from = otherEnd(end);
  const replied = reply(pump, end, token);
  pump.emit(from, echoRequest(addresses[from], addresses[end], token), { do: 'forged', as: 'echo' });
  await replied;
}

const reply = (pump: Pump, end: End, token: number): Promise<Seen> =>
  next(pump, ({ from, packet }) => from === end && packet.kind === 'other' && packet.echoed === token).seen;

/**
 * Resolves with the TCP segments that the end which was given packet `n` has sent since, once it has answered an echo request
 * sent after it: a kernel does one packet of a device after the other. Throws RangeError where `n` is no TCP segment, or was not
 * given to that end.
 */
export async function whenAnswered(
  { capture, history, pump }: Omit<Looking, 'addresses'>,
  n: number,
  token: number,
): Promise<readonly SegmentSighting[]> {
  const given = capture.find(n);
  const packet = given && recalled(history, given).seen.packet;
  if (packet?.kind !== 'tcp') throw new RangeError(`#${n} is no TCP segment in the wire's memory`);
  const { from } = given as Entry;
  const answering = otherEnd(from);
  const deed = pump.ungiven(n);
  if (deed)
    throw new RangeError(`the ${answering} was not given #${n}, so it has nothing to answer: ${deedText(deed)}`);
  const replied = reply(pump, answering, token);
  const request = echoRequest(packet.source.address, packet.destination.address, token);
  pump.emit(from, request, { do: 'forged', as: 'echo', of: n });
  const until = (await replied).n;
  return [...capture.entries(n + 1)]
    .filter((entry) => entry.n < until && entry.from === answering && !entry.emitted)
    .map((entry) => recalled(history, entry))
    .map(({ seen, cut }) => sighting(seen, cut))
    .filter((each) => isSegment(each));
}

const isSegment = (seen: Sighting): seen is SegmentSighting => seen.segment !== undefined;

/** How many packets a pattern means, in the history as far as memory has it. */
export function countSeen(
  { capture, history }: Pick<Looking, 'capture' | 'history'>,
  { match, ordinal }: PatternData,
): number {
  let count = 0;
  for (const entry of capture.entries(1)) {
    if (!entry.emitted && matches(match, recalled(history, entry).seen)) count++;
  }
  if (ordinal === undefined) return count;
  return count >= ordinal ? 1 : 0;
}
