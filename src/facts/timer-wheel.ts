/** kernel/time/timer.c: 64 slots a level, each level 8 times coarser; 9 levels, 8 where HZ is 100 or less. */
const slotsOfFirstLevel = 64;
const coarsening = 8;
const levels = (hz: number): number => (hz > 100 ? 9 : 8);

/**
 * One slot of the kernel's timer wheel, in seconds, for a timer of this length: 8^level jiffies, for timeouts below 64,
 * 512, 4096, 32768, 262144, … jiffies at levels 0, 1, 2, 3, 4, …. A timer fires up to one slot late, never early:
 * 2.048 s for TIME-WAIT's 60 s at HZ=250.
 */
export function timerSlotSeconds(seconds: number, hz: number): number {
  const jiffies = Math.abs(seconds) * hz;
  let level = 0;
  while (level < levels(hz) - 1 && jiffies >= slotsOfFirstLevel * coarsening ** level) level++;
  return coarsening ** level / hz;
}
