import type { Event } from '../record/event.ts';
import type { OddPackets, Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import type { Held, WireStatistics } from '../record/wire-statistics.ts';
import { addressAndPort } from '../tcp/address.ts';
import { ends } from '../tcp/states.ts';
import type { Waiting } from './waiting.ts';

/** What is held, by rule. */
export function stillHeld(held: readonly Waiting[], textOf: (rule: number) => string): Held[] {
  const byRule = new Map<number, number[]>();
  for (const { rule, n } of held) byRule.set(rule, [...(byRule.get(rule) ?? []), n]);
  return [...byRule].map(([rule, packets]) => ({ rule, text: textOf(rule), packets }));
}

/**
 * Less than this is no fault of the wire: half of TCP_RTO_MIN (include/net/tcp.h), the shortest time after which an end takes a
 * segment for lost. A busy machine keeps any process from running for tens of ms, peers and kernels alike.
 */
const behindMs = 100;

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

/** Returns a sentence for each way in which the wire itself changed the experiment; empty if it did only what the scenario asked. */
export function fallingBehind(statistics: WireStatistics): string[] {
  const { txDropped, longestBacklogMs, longestStallMs, latestMs, refused, faults, deviceErrors, capture } = statistics;
  const sentences: string[] = [];
  for (const end of ends) {
    if (txDropped[end] > 0) {
      sentences.push(`the kernel dropped ${txDropped[end]} packets of the ${end}, which the wire did not read in time`);
    }
  }
  if (longestBacklogMs > behindMs) {
    sentences.push(
      `the wire was late: packets waited in its devices for up to ${longestBacklogMs.toFixed(0)} ms on end`,
    );
  }
  if (longestStallMs > behindMs) {
    sentences.push(`the wire did not run for up to ${longestStallMs.toFixed(0)} ms`);
  }
  if (latestMs > behindMs) sentences.push(`the wire sent a packet ${latestMs.toFixed(1)} ms later than its rule says`);
  if (Object.keys(refused).length > 0) sentences.push(`the kernel refused packets from the wire: ${listed(refused)}`);
  if (faults.length > 0) sentences.push(`the wire failed at ${faults.length} packets: ${faults[0]}`);
  for (const error of deviceErrors) sentences.push(`a device of the wire cannot be read: ${error}`);
  if (capture.fileError !== undefined) sentences.push(`the capture ends early: ${capture.fileError}`);
  if (capture.cut > 0) sentences.push(`${capture.cut} packets are cut short in the capture`);
  return sentences;
}

const fewPackets = 5;
const packetsText = (packets: readonly number[]): string => {
  const more = packets.length > fewPackets ? ` and ${packets.length - fewPackets} more` : '';
  return (
    packets
      .slice(0, fewPackets)
      .map((n) => `#${n}`)
      .join(', ') + more
  );
};

/**
 * Lists mappings that had expired when a packet needed them, though the packet may have come in time: they expired while the wire
 * did not run, or while packets waited in its devices.
 */
function doubtfullyForgotten(events: readonly Event[], { longestStallMs, longestBacklogMs }: WireStatistics): string[] {
  const lateMs = Math.max(longestStallMs, longestBacklogMs);
  return events.flatMap((event) => {
    if (event.kind !== 'mapping' || event.found === undefined) return [];
    const overMs = (event.found - event.t) / 1e6;
    if (overMs > lateMs) return [];
    const { inside, outside } = event;
    return [
      `the mapping of ${addressAndPort(inside)} at ${addressAndPort(outside)} was needed ${overMs.toFixed(1)} ms after it had expired, and the wire was late by up to ${lateMs.toFixed(0)} ms: the packet may have come before the mapping expired`,
    ];
  });
}

/** Returns the warnings of a cell's wire when the scenario has ended; empty if the wire did what the scenario asked. */
export function wireWarnings(statistics: WireStatistics, events: readonly Event[] = []): Warning[] {
  const { held, refusedOwn } = statistics;
  const refused = `the kernel refused packets that the scenario injected: ${listed(refusedOwn)}`;
  return [
    ...[...fallingBehind(statistics), ...doubtfullyForgotten(events, statistics)].map((text) =>
      warn('wire-fell-behind', text),
    ),
    ...(Object.keys(refusedOwn).length > 0 ? [warn('wire-refused', refused)] : []),
    ...held.map(({ rule, text, packets }) =>
      warn('wire-still-holds', `rule ${rule} (${text}) still held ${packetsText(packets)} when the scenario ended`),
    ),
  ];
}

/** Counts packets that no fact covers: packets that are no segments, and refused ones; undefined if there are none. */
export function oddPackets({
  others,
  othersOwn,
  refused,
  refusedOwn,
  refusedAsExpected,
}: WireStatistics): OddPackets | undefined {
  const all = Object.entries({ others, othersOwn, refused, refusedOwn, refusedAsExpected });
  const some = all.filter(([, counts]) => Object.keys(counts).length > 0);
  return some.length > 0 ? Object.fromEntries(some) : undefined;
}
