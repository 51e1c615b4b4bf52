import { z } from 'zod';
import { factValue, unknownCode } from './fact.ts';

const factRead = z.object({ fact: z.string(), value: factValue });
/** A fact that a claim read, and its value. */
export type FactRead = z.infer<typeof factRead>;

const more = z.number().int().describe('how many more there are that are not listed');

const withoutValue = z.object({
  on: z.literal('no-value').describe('it read a fact that has no value'),
  fact: z.string(),
  is: z.enum(['not-observed', 'not-tried']),
  code: unknownCode.exactOptional().describe('why it was not observed'),
  why: z.string().exactOptional(),
});
/** A fact without a value that a claim read. */
export type WithoutValue = Omit<z.infer<typeof withoutValue>, 'on'>;

const threw = z.object({ on: z.literal('throw').describe('its function threw'), message: z.string() });
const asText = z.object({
  on: z.literal('text').describe('as a version wrote it that kept no more than that'),
  parts: z.array(z.string()).describe('it may be shortened between two of them'),
});

/** What a claim's verdict in one cell rests on. */
export const cellDetail = z.discriminatedUnion('on', [
  z.object({ on: z.literal('facts').describe('what it read'), read: z.array(factRead), more }),
  withoutValue,
  threw,
  asText,
]);
export type CellDetail = z.infer<typeof cellDetail>;

const result = {
  cell: z.string().describe('cell id'),
  repeat: z.number().int().exactOptional().describe('where several of its repeats ran'),
};
const resultOf = z.object(result);
/** Which of the results of an experiment. */
export type ResultOf = z.infer<typeof resultOf>;

/** What a claim's verdict over a run rests on. */
export const runDetail = z.discriminatedUnion('on', [
  z.object({
    on: z.literal('results').describe('its verdicts in the cells: those that decided it'),
    first: z.array(resultOf.extend({ detail: cellDetail })),
    more,
  }),
  z.object({
    on: z.literal('facts').describe('what it read of the results that refute it'),
    read: z.array(resultOf.extend(factRead.shape)),
    more,
  }),
  z.object({
    on: z.literal('many-facts').describe('what it read of all of them'),
    facts: z.number().int(),
    results: z.number().int(),
  }),
  z.object({
    on: z.literal('nothing'),
    because: z.enum(['no-cell-ran', 'applies-to-none', 'undecided', 'no-fact-read']),
    results: z.number().int().exactOptional().describe('of how many, where its own condition left none'),
  }),
  withoutValue.extend(result),
  threw,
  asText,
]);
export type RunDetail = z.infer<typeof runDetail>;
