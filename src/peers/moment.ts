import { availableParallelism, constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { close } from '../native/libc.ts';
import { pinToCpu, runAnywhere, sleepUntil } from '../native/process.ts';
import type { Self } from './handler.ts';

/**
 * A peer that waits for a common moment must not lose its CPU: neither to the harness or an observer, nor to the peer it
 * races, which the scheduler may have put on the same one.
 */
function insist(index: number): void {
  try {
    pinToCpu(index % availableParallelism());
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // not root, or not all CPUs are ours: more races are decided by who was interrupted
  }
}

const ownPriority = getPriority();

/** Runs as before it first waited for a common moment, and anywhere. */
export function relax(): void {
  if (getPriority() !== ownPriority) setPriority(ownPriority);
  runAnywhere();
}

/**
 * Calls close(2) without effect until it is fast, since the first calls are slower. Two processes that are to act within
 * microseconds must not differ by the code that each has run before.
 */
function warmUp(): void {
  for (let count = 0; count < 200; count++) {
    try {
      close(-1);
    } catch {
      // EBADF, as meant
    }
  }
}

/** Time before the moment at which a peer prepares. Earlier the harness needs the CPU to send the other peer its step. Timers are 1 ms late. */
const prepareNs = 3_000_000;
/**
 * A virtual CPU that slept wakes up to 250 µs late, so the rest is spun; no longer than needed, because reading the clock
 * makes garbage: a collection or compilation in a spin of 3 ms made one peer in two late by 0.3 to 2 ms.
 */
const spinNs = 500_000;

/** Resolves at a moment of the one clock, at once without one; the last of it is spun. */
export async function until({ now, origin, index }: Self, atNs: number | undefined): Promise<void> {
  if (atNs === undefined) return;
  const ms = (atNs - prepareNs - now()) / 1e6;
  if (ms > 0) await sleep(ms);
  insist(index);
  warmUp();
  sleepUntil(origin + BigInt(atNs - spinNs));
  while (now() < atNs);
}
