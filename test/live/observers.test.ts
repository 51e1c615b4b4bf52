import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldChains } from '../../src/facts/chains.ts';
import type { SampleEvent } from '../../src/record/event.ts';
import { readEvents, readRun } from '../../src/record/read.ts';
import { lingerlab, live, own, scratch } from './program.ts';

const closes = 23;

live('observers', () => {
  test(`${closes} closes are seen ${closes} times by tracepoints, by ss and by the counters`, async () => {
    const folder = await scratch();
    const file = own('many');
    const out = join(folder, 'run');
    const { exitCode, stdout } = await lingerlab(['run', file, '--out', out]);
    expect(exitCode, stdout).toBe(0);
    const { cells } = await readRun(out);
    expect(cells).toHaveLength(4);
    for (const { id, repeat, warnings } of cells) {
      expect(warnings).toEqual([]);
      const events = (await readEvents(out, id, repeat))!;
      const end = events.find(({ kind }) => kind === 'scenario-ends')!.t;
      const chains = foldChains(events);
      const ended = (role: string) =>
        chains.filter((chain) => chain.role === role && chain.transitions.at(-1)!.t < end);
      expect(ended('client')).toHaveLength(closes);
      expect(ended('accepted')).toHaveLength(closes);
      expect(events.filter(({ kind }) => kind === 'mini-socket')).toHaveLength(closes);

      const last = (space: string) =>
        events.findLast((event): event is SampleEvent => event.kind === 'sample' && event.space === space);
      const sample = last('client') ?? last('lab');
      expect(sample!.sockets.filter(({ state }) => state === 'TIME-WAIT')).toHaveLength(closes);

      const sum = (name: string) =>
        events.reduce((total, event) => total + (event.kind === 'counters' ? (event.values[name] ?? 0) : 0), 0);
      expect([sum('Tcp.ActiveOpens'), sum('Tcp.PassiveOpens'), sum('TcpExt.TW')]).toEqual([closes, closes, closes]);
    }
  });

  test('a path of ss samples agrees with the trace: FIN-WAIT-2 and CLOSE-WAIT held for a second', async () => {
    const folder = await scratch();
    const file = own('held');
    const out = join(folder, 'run');
    expect((await lingerlab(['run', file, '--out', out])).exitCode).toBe(0);
    const { cells } = await readRun(out);
    expect(cells[0]!.warnings).toEqual([]);
    expect(cells[0]!.facts['client.stateMs.FIN-WAIT-2']).toBeGreaterThanOrEqual(1000);
    const samples = (await readEvents(out, 'held', 1))!.filter(
      (event): event is SampleEvent => event.kind === 'sample',
    );
    const states = samples.map(({ sockets }) =>
      sockets
        .map(({ state }) => state)
        .sort()
        .join(),
    );
    // how often the schedule looks within that second depends on the machine; each look is at both ends
    expect(states).toContain('CLOSE-WAIT,FIN-WAIT-2,LISTEN');
  });
});
