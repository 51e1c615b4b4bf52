import { inspect } from 'node:util';
import { z } from 'zod';
import { optionValue } from './event.ts';

const refusedCall = z.object({ call: z.string(), errno: z.string() }).readonly();
/** A system call that the kernel refused. */
export type RefusedCall = z.infer<typeof refusedCall>;

const keptOption = z
  .object({
    option: z.string(),
    value: optionValue.describe('as the scenario gave it'),
    kept: optionValue.describe('as getsockopt(2) gave it right afterwards'),
    on: z.enum(['listener']).exactOptional().describe('the socket that it was inherited from'),
  })
  .readonly();
/** A socket option that the scenario set, and what the kernel kept of it. */
export type KeptOption = z.infer<typeof keptOption>;

export const factValue = z.union([
  z.number(),
  z.boolean(),
  z.string(),
  z.array(z.string()).readonly(),
  z.array(z.number()).readonly(),
  z.array(refusedCall).readonly(),
  z.array(keptOption).readonly(),
]);
/** A value a fact can have; `null` in a run folder means that it was not observed. */
export type FactValue = z.infer<typeof factValue>;

export const unknownCode = z.enum([
  'not-over',
  'still-open',
  'not-traced',
  'no-socket',
  'not-sampled',
  'not-read',
  'not-recorded',
  'not-shown',
  'bounded',
  'cause-not-seen',
  'foreign-bytes',
  'contradiction',
  'shared-label',
  'nothing-measured',
  'not-readable',
  'no-such-counter',
  'no-count',
  'not-noted',
]);

export const unknownFact = z
  .object({
    code: unknownCode,
    text: z.string(),
  })
  .readonly();
/** Why a fact is `null`: a code that programs may select by, and a sentence. */
export type UnknownFact = z.infer<typeof unknownFact>;

const comparison = z.enum(['exact', 'within', 'race', 'measurement', 'none']);
/**
 * How two values of a fact are compared between runs. `exact`: they are equal; `within`: no further apart than the resolution;
 * `race`: as distributions over repeats; `measurement`: by statistics only, never as a difference in behaviour; `none`: not at
 * all, since the fact depends on the machine's other work.
 */
export type Comparison = z.infer<typeof comparison>;

const unit = z.enum(['s', 'ms', 'us', 'count', 'bytes']);
export type Unit = z.infer<typeof unit>;

export const declaration = z
  .object({
    type: z.enum(['number', 'numbers', 'boolean', 'word', 'words', 'calls', 'options']),
    /** The values a `word`, or each of `words`, may have; absent: any. */
    values: z.array(z.string()).readonly().exactOptional(),
    unit: unit.exactOptional(),
    compare: comparison,
    /** For `within`: how far apart two equal values may lie, in `unit`; `timer` is one slot of the kernel's timer wheel. */
    resolution: z.union([z.number(), z.literal('timer')]).exactOptional(),
    /** What the fact says, for the reader of a report. */
    text: z.string().exactOptional(),
    /** What a table calls its column, where the fact's name says too little: two or three words. */
    label: z.string().exactOptional(),
    /** The order of `words` says nothing. */
    isSet: z.literal(true).exactOptional(),
  })
  .readonly();
/** A fact's declaration: plain data, saved in every run so that a report needs no code. */
export type Declaration = z.infer<typeof declaration>;

const isWord = (value: unknown, { values }: Declaration): boolean =>
  typeof value === 'string' && (values === undefined || values.includes(value));

/** What is wrong with a value that a fact of this declaration is to have; undefined where nothing is. */
export function valueProblem(declared: Declaration, value: unknown): string | undefined {
  if (isAllowed(declared, value)) return undefined;
  const words = declared.values ? `one of ${declared.values.join(', ')}` : 'a text';
  const must = {
    number: isAmount(declared) ? 'a number of bytes' : 'a finite number',
    numbers: 'a list of finite numbers',
    boolean: 'true or false',
    word: words,
    words: `a list, each ${words}`,
    calls: 'a list of refused calls',
    options: 'a list of options',
  }[declared.type];
  return `must be ${must}, not ${inspect(value, { breakLength: Number.POSITIVE_INFINITY })}`;
}

/** What is measured may be a difference. */
const isAmount = ({ unit, compare }: Declaration): boolean => unit === 'bytes' && compare !== 'measurement';

function isAllowed(declared: Declaration, value: unknown): boolean {
  switch (declared.type) {
    case 'number':
      return Number.isFinite(value) && !(isAmount(declared) && (value as number) < 0);
    case 'numbers':
      return Array.isArray(value) && value.every(Number.isFinite);
    case 'boolean':
      return typeof value === 'boolean';
    case 'word':
      return isWord(value, declared);
    case 'words':
      return Array.isArray(value) && value.every((each) => isWord(each, declared));
    case 'calls':
    case 'options':
      return Array.isArray(value);
  }
}
