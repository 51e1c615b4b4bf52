import type { LingerlabError } from '../errors.ts';
import { endChildrenNow } from '../process/child.ts';
import { exitProgram } from '../process/experiment-code.ts';
import { endHere } from '../process/watchdog.ts';
import { interruptAtOnce } from '../record/interrupt.ts';
import { errorText, savedText } from './output.ts';

/** For processes that clean up, so that everything ends within a second: to remove a trace instance takes 20 to 200 ms. */
const graceMs = 500;

/** End this program and all that it started, without going back to the event loop; the run in `folder` is saved as it is. */
export function endAtOnce(error: LingerlabError, folder?: string): never {
  endHere();
  process.stderr.write(errorText(error));
  endChildrenNow(graceMs);
  try {
    if (folder !== undefined) {
      interruptAtOnce(folder);
      process.stderr.write(savedText(folder));
    }
  } catch {
    // it had not begun, or cannot be written: what was appended is there
  }
  return exitProgram(error.exitCode);
}
