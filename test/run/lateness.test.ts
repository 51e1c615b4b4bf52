import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/record/event.ts';
import type { WireStatistics } from '../../src/record/wire-statistics.ts';
import { latenessOf } from '../../src/run/lateness.ts';

const ms = (count: number): number => count * 1e6;
const begins: Event = { t: ms(100), source: 'harness', kind: 'scenario-begins' };
const late = (peer: string, until: number, lasted: number): Event => ({
  t: ms(until),
  source: 'peer',
  kind: 'late',
  peer,
  ns: ms(lasted),
});
const signal = (name: string, at: number): Event => ({
  t: ms(at),
  source: 'harness',
  kind: 'signal',
  peer: 'client',
  signal: name,
});
const seen = (peer: string): Event => ({ t: ms(3000), source: 'peer', kind: 'stall', peer, ns: ms(2000) });
const none = { harnessNs: 0, observersNs: 0 };
const peers = (...events: readonly Event[]) => latenessOf([begins, ...events], none, undefined).peersMs;

describe('how late a peer was', () => {
  test('is its longest delay; a stall that its own calls explain is none', () => {
    expect(
      peers(late('client', 500, 30), late('client', 2500, 1000), late('client', 2700, 50), seen('server')),
    ).toEqual({
      client: 1000,
      server: 0,
    });
  });

  test('does not count from before the scenario', () => {
    expect(peers(late('client', 90, 80))).toEqual({ client: 0 });
    expect(peers(late('client', 130, 80))).toEqual({ client: 30 });
  });

  test('does not count while the scenario itself had it stopped', () => {
    const stopped = [signal('SIGSTOP', 1000), signal('SIGCONT', 2000)];
    expect(peers(...stopped, late('client', 2004, 1000))).toEqual({ client: 4 });
    expect(peers(signal('SIGSTOP', 1000), late('client', 2004, 1004))).toEqual({ client: 0 });
    // after it went on, and somebody else
    expect(peers(...stopped, late('client', 3100, 1000), late('server', 2000, 1000))).toEqual({
      client: 1000,
      server: 1000,
    });
  });
});

test('how late the observers were is their longest look, where that took longer than they stood still', () => {
  const sample = (took: number) => ({ t: ms(200), until: ms(200 + took), source: 'ss', kind: 'sample' }) as Event;
  const of = (took: number) => latenessOf([begins, sample(took)], { harnessNs: ms(7), observersNs: ms(20) }, undefined);
  expect(of(900)).toEqual({ harnessMs: 7, observersMs: 900, peersMs: {} });
  expect(of(3).observersMs).toBe(20);
});

test('how late the wire was is the longest of its stall, its backlog and its latest packet', () => {
  const of = (statistics: Partial<WireStatistics>) =>
    latenessOf([begins], none, {
      longestStallMs: 0,
      longestBacklogMs: 0,
      latestMs: 0,
      ...statistics,
    } as WireStatistics).wireMs;
  expect([of({ longestStallMs: 12.34 }), of({ longestBacklogMs: 50 }), of({ latestMs: 3 }), of({})]).toEqual([
    12.3, 50, 3, 0,
  ]);
});
