import { describe, expect, test } from 'vitest';
import { type CellCpu, cpuMeter, sessionCpu } from '../../src/run/cpu.ts';

const before = { harness: 1, observers: 0.1, peers: 0.5 };
const short = (peers: number, samples: number): CellCpu => ({
  seconds: 0.1,
  peers,
  wired: false,
  load: false,
  processes: 2,
  samples,
});

describe('what a session cost', () => {
  test("is all that was spent, and of a short cell what is its own with its share of what is nobody's", () => {
    const after = { harness: 1.04, observers: 0.2, peers: 0.86 };
    const { short: mean, ...all } = sessionCpu(before, after, [short(0.06, 0.01), short(0.08, 0.03)]);
    expect(all).toEqual(after);
    expect(mean!.results).toBe(2);
    // 0.36 for 4 processes, 0.14 of it before they were told to end
    expect(mean!.peers).toBeCloseTo(0.18, 12);
    expect(mean!.observers).toBeCloseTo(0.05, 12);
    expect(mean!.harness).toBeCloseTo(0.02, 12);
  });

  test('leaves the peers and samples of long cells to these, and lets short ones pay for the harness all the same', () => {
    const long: CellCpu = { seconds: 60, peers: 5, wired: false, load: false, processes: 3, samples: 4 };
    const after = { harness: 2, observers: 4.21, peers: 5.65 };
    const { short: mean } = sessionCpu(before, after, [long, short(0.1, 0.01)]);
    expect(mean!.results).toBe(1);
    expect(mean!.peers).toBeCloseTo(0.1 + (2 * 0.05) / 5, 12);
    expect(mean!.observers).toBeCloseTo(0.01 + 0.1 / 2, 12);
    expect(mean!.harness).toBeCloseTo(0.5, 12);
  });

  test('counts the peers of cells that were given up, which are no results', () => {
    const given: CellCpu = { peers: 0.2, wired: false, load: false, processes: 2, samples: 0 };
    const after = { harness: 1, observers: 0.1, peers: 0.9 };
    const { short: mean } = sessionCpu(before, after, [given, short(0.1, 0)]);
    expect(mean!.results).toBe(1);
    expect(mean!.peers).toBeCloseTo(0.1 + (0.1 * 2) / 4, 12);
  });

  test('has no short cell where none took less than a second', () => {
    const cells: CellCpu[] = [{ seconds: 1, peers: 1, wired: false, load: false, processes: 2, samples: 1 }];
    expect(sessionCpu(before, before, cells)).toEqual(before);
  });
});

describe('the meter', () => {
  test('says nothing of a session that began no cell', async () => {
    const meter = await cpuMeter(async () => 0);
    expect(await meter.session()).toBeUndefined();
  });

  test('adds up what each cell is told of', async () => {
    let observers = 1;
    const meter = await cpuMeter(async () => observers);
    const cell = meter.cell();
    cell.peer(0.03);
    cell.peer(0.04);
    cell.samples(0.25);
    cell.finished(0.2);
    observers = 1.25;
    const { short: mean, ...all } = (await meter.session())!;
    expect(all.observers).toBe(1.25);
    expect(mean!.observers).toBeCloseTo(0.25, 12);
    expect(mean!.results).toBe(1);
  });
});

test('a short cell on a wire, which starts a process more, is told apart', () => {
  const spent = (harness: number, observers: number, peers: number) => ({ harness, observers, peers });
  const plain = { seconds: 0.2, wired: false, load: false, peers: 0.08, processes: 2, samples: 0.01 };
  const wired = { seconds: 0.3, wired: true, load: false, peers: 0.17, processes: 3, samples: 0.03 };
  const { short, shortOnWire } = sessionCpu(spent(1, 0, 0), spent(1.04, 0.06, 0.25), [plain, wired]);
  expect([short?.results, shortOnWire?.results]).toEqual([1, 1]);
  expect([short?.peers, shortOnWire?.peers]).toEqual([expect.closeTo(0.08), expect.closeTo(0.17)]);
  expect([short?.observers, shortOnWire?.observers]).toEqual([expect.closeTo(0.02), expect.closeTo(0.04)]);
  expect([short?.harness, shortOnWire?.harness]).toEqual([expect.closeTo(0.02), expect.closeTo(0.02)]);
});
