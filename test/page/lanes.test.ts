import { describe, expect, test } from 'vitest';
import { lanesOf, timeScales, widths } from '../../src/page/lanes.ts';
import type { CellRecord, PathStep } from '../../src/record/schema.ts';

const ms = 1e6;
const step = (state: PathStep['state'], at: number, over: Partial<PathStep> = {}): PathStep => ({
  state,
  at: at * ms,
  evidence: 'exact',
  source: 'trace',
  ...over,
});

const record = (over: Partial<CellRecord> = {}) => ({
  paths: {
    client: [
      step('SYN-SENT', 0),
      step('ESTABLISHED', 1),
      step('FIN-WAIT-1', 10),
      step('FIN-WAIT-2', 11),
      step('FIN-WAIT-2', 12, { mini: true }),
      step('TIME-WAIT', 21, { notBefore: 20 * ms, evidence: 'bracketed', mini: true }),
    ],
    server: [
      step('SYN-RECEIVED', 0.5),
      step('ESTABLISHED', 1),
      step('CLOSE-WAIT', 10.5),
      step('LAST-ACK', 20),
      step('CLOSED', 21),
    ],
  },
  facts: { 'client.closedWith': ['FIN'], 'server.closedWith': ['FIN'] },
  unknown: {},
  ends: {
    client: {
      calls: [{ t: 9.9 * ms, ns: 1000, verb: 'close', by: 'destroy' }],
      looks: [{ t: 30 * ms, until: 31 * ms, state: 'TIME-WAIT' as const, times: 2 }],
    },
  },
  ...over,
});

describe('the lanes of a connection', () => {
  const [lanes] = lanesOf(record());

  test('begin where both ends are open, and have each state from its entry to the next', () => {
    expect(lanes?.bands.client.map(({ state }) => state)).toEqual([
      'ESTABLISHED',
      'FIN-WAIT-1',
      'FIN-WAIT-2',
      'FIN-WAIT-2',
      'TIME-WAIT',
    ]);
    expect(lanes?.bands.client.map(({ mini }) => mini)).toEqual([false, false, false, true, true]);
    for (const bands of Object.values(lanes?.bands ?? {}))
      for (const [nth, band] of bands.entries()) expect(band.to).toBe(bands[nth + 1]?.from ?? 1);
  });

  test('draw a bracketed state from where it may have begun', () => {
    const last = lanes?.bands.client.at(-1);
    expect(last).toMatchObject({ evidence: 'bracketed', before: 'FIN-WAIT-2', goesOn: true });
    expect(last?.since).toBeLessThan(last?.from ?? 0);
    expect(lanes?.bands.server.at(-1)).toMatchObject({ state: 'CLOSED', evidence: 'exact', goesOn: false });
  });

  test('have the closing call before the state that it led to, and a look of ss where it had ended', () => {
    const [call, look] = lanes?.marks ?? [];
    expect(call).toMatchObject({ kind: 'call', end: 'client' });
    expect(call?.labels[0]?.text).toBe('destroy()');
    expect(call?.x).toBeLessThan(lanes?.bands.client[1]?.from ?? 0);
    expect(look?.labels[0]?.text).toBe('ss: TIME-WAIT');
    expect(look?.x).toBeGreaterThan(lanes?.bands.client.at(-1)?.from ?? 1);
  });

  test('imply the segments that the states fix, where there is no capture', () => {
    expect(lanes?.arrows.map(({ from, segment }) => `${from} ${segment}`)).toEqual([
      'client FIN',
      'server ACK',
      'server FIN',
      'client ACK',
    ]);
    const [wired] = lanesOf(record({ segments: [{ n: 1 } as never] }));
    expect(wired?.arrows).toEqual([]);
  });

  test('a segment from an end that did not send it is not drawn', () => {
    const [reset] = lanesOf(record({ facts: { 'client.closedWith': [], 'server.closedWith': null } }));
    expect(reset?.arrows.map(({ segment }) => segment)).not.toContain('FIN');
  });

  test('name a state in the widest of its parts, in full where there is room, and nothing where there is none', () => {
    const named = lanes?.bands.client.filter(({ state, labels }) => state === 'FIN-WAIT-2' && labels.length > 0);
    expect(named).toHaveLength(1);
    const texts = lanes?.bands.client.at(-1)?.labels.map(({ text }) => text);
    expect(texts?.[0]).toBe('TIME-WAIT');
    const places = lanes?.bands.client.flatMap(({ labels }) => labels.map(({ at }) => at.join())) ?? [];
    expect(places.join()).toContain(String(widths.length - 1));
  });
});

test('time is logarithmic, linear with long gaps cut, or by order; order never changes', () => {
  const froms = timeScales.map((scale) => lanesOf(record(), scale)[0]?.bands.client.map(({ from }) => from) ?? []);
  for (const own of froms) expect(own).toEqual(own.toSorted((a, b) => a - b));
  const [log, linear] = timeScales.map((scale) => lanesOf(record(), scale)[0]);
  const of = (lanes: typeof log, text: string): number => {
    const gap = lanes?.gaps.find(({ labels }) => labels[0]?.text === text);
    return gap ? gap.to - gap.from : 0;
  };
  expect(of(linear, '8.00 ms') / of(linear, '10.0 ms')).toBeCloseTo(0.8);
  expect(of(log, '8.00 ms') / of(log, '10.0 ms')).toBeGreaterThan(0.9);
  const { paths } = record();
  const far = record({ paths: { ...paths, client: [...(paths.client ?? []), step('CLOSED', 60_021)] } });
  expect(lanesOf(far, 'linear')[0]?.gaps.some(({ cut }) => cut)).toBe(true);
});
