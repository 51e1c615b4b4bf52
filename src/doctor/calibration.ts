import { CLOCK_THREAD_CPUTIME_ID, socketConstants as c } from '../native/constants.ts';
import { clockGettime, close, read, socketpair, write } from '../native/libc.ts';
import type { Speed } from '../record/schema.ts';
import { median } from '../stats/quantile.ts';

/** So often each piece of work is done: its median is what most of them took. */
const times = 15;
const warmingUs = 30_000;
/** The loop is compiled where it takes so many times less than at first: 4,500 µs, then some 400 µs, then 56 µs. */
const compiledFaster = 25;
/** Work that takes no more than so many times what it took before has been compiled. */
const compiledWithin = 1.2;
const steps = 50_000;
/** A page, so that no cache of any machine is too small for it. */
const words = 1024;
const exchanges = 100;
/** What the loop takes on a plain machine, µs: a virtual machine of KVM's with 2 cores, before and after each of three runs. */
const plainJsUs = 57.3;

/**
 * How fast the machine is now, by the CPU time of fixed work: a loop of JavaScript, and a byte that goes through a pair of sockets
 * again and again. Time that other programs have the CPU does not count, a CPU that is slower does. Takes some 90 ms of CPU, in which
 * nothing else runs on this thread; again, where V8 still has its code, 15 ms. Throws SystemCallError.
 */
export function calibrate(): Speed {
  const ends = new Int32Array(2);
  socketpair(c.AF_UNIX, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0, new Uint8Array(ends.buffer));
  const [one, other] = ends as unknown as readonly [number, number];
  try {
    const first = timed('jsUs', compute);
    const systemUs = timed('systemUs', () => exchange(one, other));
    return { jsUs: Math.min(first, timed('jsUs', compute)), systemUs };
  } finally {
    close(one);
    close(other);
  }
}

/** How many times slower than a plain machine this one computes, by its own clock; at least 1. */
export const slownessOf = ({ jsUs }: Speed): number => Math.max(1, Math.round((jsUs / plainJsUs) * 10) / 10);

/** What each took when it was last timed. */
const before: Partial<Speed> = {};

function timed(name: keyof Speed, work: () => void): number {
  const once = (): number => {
    const from = threadCpuUs();
    work();
    return threadCpuUs() - from;
  };
  // what V8 has not compiled yet is another work: eighty times as much, then eight times, which on a busy machine lasts
  const compiled = before[name] === undefined ? once() / compiledFaster : before[name] * compiledWithin;
  for (const from = threadCpuUs(); threadCpuUs() - from < warmingUs; ) if (once() <= compiled) break;
  const took = Math.round(median(Array.from({ length: times }, once)) * 10) / 10;
  before[name] = took;
  return took;
}

const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

/** What this thread has used, to the nanosecond: getrusage(2) knows it by ticks only. */
function threadCpuUs(): number {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, timespecBytes);
  return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1e3;
}

const table = new Int32Array(words);

/** Numbers of a linear congruential generator, added up in a table: 32-bit integers, which every compiler of V8 makes the same of. */
function compute(): void {
  let state = 1;
  for (let step = 0; step < steps; step++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const at = state & (words - 1);
    table[at] = ((table[at] as number) + state) | 0;
  }
}

const byte = Buffer.alloc(1);

/** write(2) and read(2), as what moves data through sockets does. */
function exchange(one: number, other: number): void {
  for (let turn = 0; turn < exchanges; turn++) {
    write(one, byte, 1);
    read(other, byte, 1);
  }
}
