import { messageOf } from '../../errors.ts';
import { startChild } from '../../process/child.ts';

/** What `ss` wrote. */
export interface SsOutput {
  readonly stdout: string;
  /** Empty where it succeeded; otherwise what it said, or how it ended. */
  readonly problem: string;
}

/**
 * Start `ss` in the thread's present namespace: all its TCP sockets, with their timers and cookies. Without TIME-WAITs where they
 * are too many. Never rejects.
 */
export async function startSs(timeWaits = true): Promise<SsOutput> {
  let stdout = '';
  let stderr = '';
  try {
    const { streams, ended } = startChild({
      program: 'ss',
      args: ['-tanHOeo', ...(timeWaits ? [] : ['exclude', 'time-wait'])],
      descriptors: [null, 'output', 'complaint'],
    });
    streams.output.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    streams.complaint.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const end = await ended;
    const how = 'signal' in end ? end.signal : `exit code ${end.code}`;
    return { stdout, problem: how === 'exit code 0' ? '' : stderr.trim() || how };
  } catch (error) {
    return { stdout, problem: messageOf(error) };
  }
}
