import { z } from 'zod';

const refusedCall = z.object({ call: z.string(), errno: z.string() }).readonly();
/** A system call that the kernel refused. */
export type RefusedCall = z.infer<typeof refusedCall>;

export const factValue = z.union([
  z.number(),
  z.boolean(),
  z.string(),
  z.array(z.string()).readonly(),
  z.array(z.number()).readonly(),
  z.array(refusedCall).readonly(),
]);
/** A value a fact can have; `null` in a run folder means that it was not observed. */
export type FactValue = z.infer<typeof factValue>;

const comparison = z.enum(['exact', 'within', 'race', 'measurement']);
/**
 * How two values of a fact are compared between runs: equal; no further apart than the resolution; as distributions
 * over repeats; or by statistics only, never as a difference in behaviour.
 */
export type Comparison = z.infer<typeof comparison>;

const unit = z.enum(['s', 'ms', 'us', 'count', 'bytes']);
export type Unit = z.infer<typeof unit>;

export const declaration = z
  .object({
    type: z.enum(['number', 'numbers', 'boolean', 'word', 'words', 'calls']),
    /** The values a `word`, or each of `words`, may have; absent: any. */
    values: z.array(z.string()).readonly().exactOptional(),
    unit: unit.exactOptional(),
    compare: comparison,
    /** For `within`: how far apart two equal values may lie, in `unit`; `timer` is one slot of the kernel's timer wheel. */
    resolution: z.union([z.number(), z.literal('timer')]).exactOptional(),
    /** What the fact says, for the reader of a report. */
    text: z.string().exactOptional(),
  })
  .readonly();
/** A fact's declaration: plain data, saved in every run so that a report needs no code. */
export type Declaration = z.infer<typeof declaration>;
