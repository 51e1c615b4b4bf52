import { childrenCpu, ownCpu } from '../native/cpu.ts';
import type { SessionCpu } from '../record/schema.ts';

/** Cells that took less are short: what they cost is starting processes and looking, not waiting. */
export const shortSeconds = 1;

/** Seconds of CPU, by who used them: this program, the observer process and its `ss`, all other processes it started. */
export interface Spent {
  readonly harness: number;
  readonly observers: number;
  readonly peers: number;
}

/** Seconds of CPU that belong to one (cell, repeat) alone. */
export interface CellCpu {
  /** How long the cell took; absent while it has not finished. */
  readonly seconds?: number;
  /** CPU of the cell's peers, each until it was asked to end. */
  readonly peers: number;
  /** Whether the cell ran over a wire, which takes another process and namespace. */
  readonly wired: boolean;
  /** Whether the cell measured throughput: its CPU time is then part of its result. */
  readonly load: boolean;
  /** Number of peers that the cell started. */
  readonly processes: number;
  /** Of its samples. */
  readonly samples: number;
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0);

/**
 * What a session cost, from what had been spent before its first cell and after its last one. A short cell's own are its
 * samples and its peers; all else between the two moments is divided evenly: what the kernel needed to end peers by peer,
 * what the harness and the observer process did besides by result, so that a short cell also pays for those that wait.
 */
export function sessionCpu(before: Spent, after: Spent, cells: readonly CellCpu[]): SessionCpu {
  const finished = cells.filter(({ seconds }) => seconds !== undefined);
  const short = finished.filter(({ seconds = 0, load }) => seconds < shortSeconds && !load);
  if (short.length === 0) return after;
  const perProcess =
    (after.peers - before.peers - sum(cells, ({ peers }) => peers)) /
    Math.max(
      1,
      sum(cells, ({ processes }) => processes),
    );
  const perResult = (after.observers - before.observers - sum(cells, ({ samples }) => samples)) / finished.length;
  const meanOf = (some: readonly CellCpu[]) => {
    const mean = (of: (cell: CellCpu) => number) => sum(some, of) / some.length;
    return {
      results: some.length,
      harness: (after.harness - before.harness) / finished.length,
      observers: perResult + mean(({ samples }) => samples),
      peers: mean(({ peers, processes }) => peers + processes * perProcess),
    };
  };
  const [plain, wired] = [short.filter((cell) => !cell.wired), short.filter((cell) => cell.wired)];
  return {
    ...after,
    ...(plain.length > 0 && { short: meanOf(plain) }),
    ...(wired.length > 0 && { shortOnWire: meanOf(wired) }),
  };
}

/** Counts the CPU of one (cell, repeat). */
export interface CellMeter {
  /** Adds the seconds that a peer had used when it was asked to end. */
  readonly peer: (cpu: number) => void;
  readonly samples: (cpu: number) => void;
  readonly finished: (seconds: number) => void;
}

/** Counts the CPU of a session's cells. */
export interface CpuMeter {
  cell(of?: { readonly wired?: boolean; readonly load?: boolean }): CellMeter;
  /** Of the session until now; nothing where no cell was begun. */
  session(): Promise<SessionCpu | undefined>;
}

/** To be started before the first cell. `observers`: seconds of CPU that they have used. */
export async function cpuMeter(observers: () => Promise<number>): Promise<CpuMeter> {
  const spent = async (): Promise<Spent> => ({
    observers: await observers(),
    harness: ownCpu(),
    peers: childrenCpu(),
  });
  const before = await spent();
  const cells: { -readonly [K in keyof CellCpu]: CellCpu[K] }[] = [];
  return {
    cell({ wired = false, load = false } = {}) {
      const cell: (typeof cells)[number] = { wired, load, peers: 0, processes: 0, samples: 0 };
      cells.push(cell);
      return {
        peer(cpu) {
          cell.peers += cpu;
          cell.processes += 1;
        },
        samples(cpu) {
          cell.samples += cpu;
        },
        finished(seconds) {
          cell.seconds = seconds;
        },
      };
    },
    session: async () => (cells.length === 0 ? undefined : sessionCpu(before, await spent(), cells)),
  };
}
