import { cpuOf } from '../native/cpu.ts';
import type { Worker } from './worker.ts';

/** Seconds of CPU that a process uses, part by part. */
export interface PartCpu {
  /** To be called while the process still lives: what it has used until then counts, should it end. */
  look(): void;
  /** Returns what it has used since its last part was over; 0 if it had ended before anybody looked. */
  take(): number;
}

export function partCpu(pid: number): PartCpu {
  let seen: number | undefined;
  let taken = 0;
  const look = (): void => {
    seen = cpuOf(pid) ?? seen;
  };
  return {
    look,
    take() {
      look();
      const used = (seen ?? taken) - taken;
      taken += used;
      return used;
    },
  };
}

/** Why a process can play no other part, by what is known of it without asking: it wrote something, it still works, its cell was ended. */
export const staysBehind = (worker: Pick<Worker<never>, 'log' | 'unanswered'>, until: AbortSignal): string[] => [
  ...(worker.log() === '' ? [] : ['output']),
  ...(worker.unanswered === 0 ? [] : ['steps that have not ended']),
  ...(until.aborted ? ['a cell that was ended'] : []),
];
