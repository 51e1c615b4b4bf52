import type { LoadClose, LoadOptions } from '../experiment/load.ts';
import { ends } from '../tcp/states.ts';

/** How long each way of closing is done by new processes before they are asked, each time around. */
const seconds = 0.1;

const closed = (['end', 'destroy', 'half-close', 'linger-0', 'linger-1', 'resetAndDestroy'] as const).flatMap(
  (by: LoadClose) => ends.map((closer) => ({ closer, by })),
);
/** What new processes do: all that they can be asked, so that none of it is new to V8 when it is measured. */
export const warmingWays: readonly LoadOptions[] = [...closed, { closer: 'neither' as const }].map((way) => ({
  ...way,
  seconds,
  warmUpSeconds: 0,
}));

/** How often they go through it. Who repeats a load no more than twice compares nothing, and waits less. */
export const warmingRounds = (repeats: number): number => (repeats > 2 ? 4 : 1);

/** Seconds that it takes in all. */
export const warmingSeconds = (repeats: number): number => warmingRounds(repeats) * warmingWays.length * seconds;
