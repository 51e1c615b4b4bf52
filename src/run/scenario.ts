import { fileURLToPath } from 'node:url';
import { type FilePlace, LingerlabError, messageOf } from '../errors.ts';
import type { Steps } from '../peers/step.ts';
import type { PlannedCell } from '../plan/cells.ts';
import { asExperimentCode } from '../process/experiment-code.ts';

/** What ends a scenario that does not end by itself. */
export interface ScenarioEnd {
  readonly planned: PlannedCell;
  readonly steps: Steps;
  readonly failure: AbortController;
  readonly signal: AbortSignal;
}

/** A cell may take three times what it expects, and ten seconds. */
export const scenarioMs = (planned: Pick<PlannedCell, 'seconds'>) => (planned.seconds * 3 + 10) * 1000;

/** Play a scenario within its time. Rejects with SCENARIO_THREW, CELL_DEADLINE, or the signal's reason. */
export async function playScenario(
  scenario: () => Promise<void>,
  { planned, steps, failure, signal }: ScenarioEnd,
): Promise<void> {
  const limit = scenarioMs(planned);
  const timer = setTimeout(() => {
    const running = steps.running();
    const at = running.length > 0 ? `waiting for ${running.join(', ')}` : 'in until() or in code of its own';
    failure.abort(
      new LingerlabError(
        'CELL_DEADLINE',
        `the scenario did not end within ${limit / 1000} s: ${at}`,
        "await a state that can come, or raise the experiment's `seconds`",
        { step: running[0] },
      ),
    );
  }, limit);
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    // from a function of its own: where a loop of the scenario's is ended, so is whoever called it, and awaits no more
    const played = asExperimentCode(
      (error) => failure.abort(scenarioError(error)),
      async () => {
        await Promise.resolve();
        return scenario();
      },
    );
    await Promise.race([played.catch((error) => Promise.reject(scenarioError(error))), aborted]);
  } finally {
    clearTimeout(timer);
    // whatever the scenario is still doing ends with its peers, and is told no more
    aborted.catch(() => undefined);
  }
}

const ownFolder = new URL('../', import.meta.url).href;

/** The innermost call in a file that is none of this program's: the experiment's own line. */
function scenarioFrame(stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const isOurs = (line: string) => line.includes(ownFolder) || line.includes('node:') || line.includes('<anonymous>');
  return (frames.find((line) => !isOurs(line)) ?? frames[0] ?? '').trim();
}

function scenarioError(error: unknown): LingerlabError {
  if (error instanceof LingerlabError) return error;
  const where = error instanceof Error ? scenarioFrame(error.stack ?? '') : '';
  return new LingerlabError(
    'SCENARIO_THREW',
    `the scenario threw: ${messageOf(error)} ${where}`,
    'mend the experiment; the other cells are not affected',
    { cause: error, at: placeIn(where) },
  );
}

/** The file and line of one of V8's stack frames: `at scenario (file:///tmp/a.ts:12:34)`. */
function placeIn(frame: string): FilePlace | undefined {
  const [, url, line, column] = /(file:.*):(\d+):(\d+)\)?$/.exec(frame) ?? [];
  return url === undefined ? undefined : { file: fileURLToPath(url), line: Number(line), column: Number(column) };
}
