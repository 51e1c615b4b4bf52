import type { PatternData } from '../experiment/patterns.ts';
import type { SegmentSighting, Sighting } from '../record/event.ts';
import { echoRequest } from '../tcp/echo.ts';
import { parse } from '../tcp/segment.ts';
import { otherEnd } from '../tcp/states.ts';
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

/** As long as it was: its headers tell all but what was in its payload. */
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
}

function recalled(history: History, { n, t, from, packet }: Entry): { seen: Seen; cut: boolean } {
  const cut = packet.bytes.length < packet.original;
  const parsed = parse(cut ? filledUp(packet) : packet.bytes);
  return { seen: history.describe(n, t, from, packet.original, parsed), cut };
}

/** Resolves with the first packet from now on of which this is true. */
const next = (pump: Pump, found: (seen: Seen) => boolean): Promise<Seen> =>
  new Promise((resolve) => {
    const watch = (seen: Seen): void => {
      if (!found(seen)) return;
      pump.watchers.delete(watch);
      resolve(seen);
    };
    pump.watchers.add(watch);
  });

/** Resolves with the first packet behind a number that a pattern means: from the history, as far as memory has it, or to come. */
export async function whenSeen(
  { capture, history, pump }: Looking,
  pattern: PatternData,
  after: number,
): Promise<Sighting> {
  const found = finder(pattern);
  for (const entry of capture.entries(after + 1)) {
    if (entry.emitted) continue;
    const { seen, cut } = recalled(history, entry);
    if (found(seen)) return sighting(seen, cut);
  }
  return sighting(await next(pump, (seen) => seen.n > after && found(seen)));
}

/**
 * Resolves with the TCP segments that the end which was given packet `n` has sent since, once it has answered an echo request
 * sent behind it: a kernel does one packet of a device after the other. Throws RangeError where `n` is no TCP segment, or was not
 * given to that end.
 */
export async function whenAnswered(
  { capture, history, pump }: Looking,
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
  const replied = next(
    pump,
    ({ from, packet }) => from === answering && packet.kind === 'other' && packet.echoed === token,
  );
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
export function countSeen({ capture, history }: Omit<Looking, 'pump'>, { match, ordinal }: PatternData): number {
  let count = 0;
  for (const entry of capture.entries(1)) {
    if (!entry.emitted && matches(match, recalled(history, entry).seen)) count++;
  }
  if (ordinal === undefined) return count;
  return count >= ordinal ? 1 : 0;
}
