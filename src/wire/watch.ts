import type { Capture } from './capture.ts';
import type { History, Seen } from './history.ts';
import { matches } from './match.ts';
import type { PatternData } from './patterns.ts';
import type { CapturedPacket } from './pcapng.ts';
import type { Pump } from './pump.ts';
import { type Sighting, sighting } from './report.ts';
import { parse } from './segment.ts';

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

/** Resolves with the first packet behind a number that a pattern means: from the history, as far as memory has it, or to come. */
export function whenSeen(
  { capture, history, pump }: { capture: Capture; history: History; pump: Pump },
  pattern: PatternData,
  after: number,
): Promise<Sighting> {
  const found = finder(pattern);
  for (const { n, t, from, emitted, packet } of capture.entries(after + 1)) {
    if (emitted) continue;
    const cut = packet.bytes.length < packet.original;
    const seen = history.describe(n, t, from, packet.original, parse(cut ? filledUp(packet) : packet.bytes));
    if (found(seen)) return Promise.resolve(sighting(seen, cut));
  }
  return new Promise((resolve) => {
    const watch = (seen: Seen): void => {
      if (seen.n <= after || !found(seen)) return;
      pump.watchers.delete(watch);
      resolve(sighting(seen));
    };
    pump.watchers.add(watch);
  });
}
