import { z } from 'zod';
import { factValue, unknownCode } from './fact.ts';
import { lateProcess } from './lateness.ts';

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

const late = z.object({
  on: z.literal('late').describe('it was refuted, and a process of the cell was so late that this can be the reason'),
  latest: lateProcess,
  by: z
    .enum(['behaviour', 'times'])
    .describe('behaviour: the kernels may have done otherwise; times: with times so much earlier or later it holds'),
  read: z.array(factRead).describe('what it read'),
  more,
});

const leftOut = z.object({
  on: z
    .literal('left-out')
    .describe('it was refuted by a result that its experiment leaves out: of a load that was disturbed'),
  read: z.array(factRead).describe('what it read'),
  more,
});

const threw = z.object({ on: z.literal('throw').describe('its function threw'), message: z.string() });
const asText = z.object({
  on: z.literal('text').describe('as a version wrote it that kept no more than that'),
  parts: z.array(z.string()).describe('it may be shortened between two of them'),
});

/** What a claim's verdict in one cell rests on. */
export const cellDetail = z.discriminatedUnion('on', [
  z.object({
    on: z.literal('facts').describe('what it read'),
    read: z.array(factRead),
    more,
    needs: z
      .array(factRead)
      .exactOptional()
      .describe(
        'of a refuted one: values of a fact that it read with which it would hold, each by itself, of facts that have a few values only; absent: none, or not recorded',
      ),
  }),
  withoutValue,
  late,
  leftOut,
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
  z.object({
    on: z.literal('late-results').describe('it was refuted, and results of which a process was late can be the reason'),
    by: z
      .enum(['behaviour', 'times'])
      .describe('behaviour: it is not refuted without them; times: with times so much earlier or later it holds'),
    late: z.number().int().describe('of how many a process was'),
    results: z.number().int().describe('of how many results'),
    latest: lateProcess,
  }),
  threw,
  asText,
]);
export type RunDetail = z.infer<typeof runDetail>;
