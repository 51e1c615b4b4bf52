import { z } from 'zod';

/** Why a cell errored, or cannot run on this machine. */
export const reason = z
  .object({
    code: z.string().exactOptional().describe('stable; absent: an error of the system or of a library, which has none'),
    message: z.string(),
    remedy: z.string().exactOptional().describe('what a user can do about it'),
    file: z.string().exactOptional().describe("the experiment's file that it comes from"),
    line: z.number().int().exactOptional().describe('from 1'),
    column: z.number().int().exactOptional(),
    step: z.string().exactOptional().describe('the step of the scenario that it is about'),
  })
  .readonly();
export type Reason = z.infer<typeof reason>;
