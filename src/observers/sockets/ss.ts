import { LingerlabError, messageOf } from '../../errors.ts';
import { runTool, type ToolOutput } from '../../process/tool.ts';

/**
 * Start `ss` in the thread's present namespace: all its TCP sockets, with their timers and cookies. Without TIME-WAITs where they
 * are too many. Rejects with NO_ANSWER only.
 */
export async function startSs(timeWaits = true): Promise<ToolOutput> {
  try {
    return await runTool('ss', ['-tanHOeo', ...(timeWaits ? [] : ['exclude', 'time-wait'])]);
  } catch (error) {
    if (error instanceof LingerlabError) throw error;
    return { stdout: '', problem: messageOf(error) };
  }
}
