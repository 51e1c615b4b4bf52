import { mark } from './init.ts';

/** What a guest has said so far on its console. */
export interface Said {
  /** Our own init has begun: the kernel boots. */
  readonly booted: boolean;
  /** Seconds since the kernel began, by the guest's clock, when our init began. */
  readonly bootSeconds?: number;
  /** What cells need and the guest lacks. */
  readonly lacks: readonly string[];
  /** The kernel's own words. */
  readonly panic?: string;
  /** The job has ended. */
  readonly ended?: { readonly code: number; readonly seconds: number };
  /** How many results the job has saved. */
  readonly results?: number;
}

export const nothingSaid: Said = { booted: false, lacks: [] };

/** What is known after one more line of the console; a line may hold what the kernel wrote into it. */
export function heard(said: Said, text: string): Said {
  const line = text.replace(/\r/g, '').trimEnd();
  const [, word, rest] = new RegExp(`${mark} (\\w+) ?(.*)$`).exec(line) ?? [];
  if (word === 'booted') return { ...said, booted: true, bootSeconds: Number(rest) };
  if (word === 'lacks') return { ...said, lacks: [...said.lacks, rest!] };
  if (word === 'results') return { ...said, results: Number(rest) };
  if (word === 'ended') {
    const [code, seconds] = rest!.split(' ').map(Number);
    return { ...said, ended: { code: code ?? Number.NaN, seconds: seconds ?? Number.NaN } };
  }
  const [, panic] = /Kernel panic - not syncing: (.*)$/.exec(line) ?? [];
  return panic !== undefined && said.panic === undefined ? { ...said, panic } : said;
}

/** How a guest came to its end. */
export type GuestEnd =
  | { readonly outcome: 'ended'; readonly code: number; readonly seconds: number }
  /** Our init found that the guest lacks what cells need. */
  | { readonly outcome: 'unfit'; readonly lacks: readonly string[] }
  | { readonly outcome: 'panicked'; readonly panic: string }
  /** QEMU ended, and neither the kernel nor our init had said why. */
  | { readonly outcome: 'lost'; readonly how: string }
  | { readonly outcome: 'out-of-time'; readonly limit: string }
  | { readonly outcome: 'interrupted' };

/** Why the harness ended a guest. */
export type Stopped = { readonly limit: string } | 'interrupted' | undefined;

/** How a guest ended, from what it said and how QEMU ended. What the guest said of itself comes first. */
export function endOf(said: Said, stopped: Stopped, qemu: string): GuestEnd {
  if (said.panic !== undefined) return { outcome: 'panicked', panic: said.panic };
  if (said.ended) return { outcome: 'ended', ...said.ended };
  if (stopped === 'interrupted') return { outcome: 'interrupted' };
  if (stopped) return { outcome: 'out-of-time', limit: stopped.limit };
  if (said.lacks.length > 0) return { outcome: 'unfit', lacks: said.lacks };
  return { outcome: 'lost', how: qemu };
}
