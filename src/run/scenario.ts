import { LingerlabError, messageOf } from '../errors.ts';
import type { Steps } from '../peers/step.ts';
import type { PlannedCell } from '../plan/cells.ts';
import { afterPatience, seconds } from '../process/deadline.ts';
import { asExperimentCode, experimentPlace } from '../process/experiment-code.ts';

/** What is needed to end a scenario that does not end by itself. */
export interface ScenarioEnd {
  readonly planned: PlannedCell;
  /** How many times as long as on an idle machine it may take. */
  readonly patience: () => number;
  readonly steps: Steps;
  readonly failure: AbortController;
  readonly signal: AbortSignal;
  /** Finds the processes that do not answer. */
  readonly silent: () => Promise<Silent>;
}

/** Processes that did not answer when a scenario had not ended in time. */
export interface Silent {
  /** Error of a process that only a fault can have stopped. */
  readonly error?: LingerlabError;
  /** Names of peers, which the scenario or a system call may have stopped. */
  readonly peers: readonly string[];
}

/** Returns the time limit of a cell on an idle machine: three times what it expects, and ten seconds. */
export const scenarioMs = ({ seconds }: Pick<PlannedCell, 'seconds'>): number => Math.round(seconds * 3000) + 10_000;

/** Plays a scenario within its time limit. Rejects with SCENARIO_THREW, CELL_DEADLINE, or the signal's reason. */
export async function playScenario(
  scenario: () => Promise<void>,
  { planned, patience, steps, failure, signal, silent }: ScenarioEnd,
): Promise<void> {
  const overdue = async (limit: number): Promise<void> => {
    const { names, at } = steps.running();
    const { error, peers } = await silent();
    failure.abort((error ?? late(limit, names, peers)).from({ at, step: names[0] }));
  };
  using _timer = afterPatience(scenarioMs(planned), patience, (ms) => void overdue(ms));
  const aborted = new Promise<never>((_, reject) => {
    const end = (): void => reject(atStep(signal.reason, steps));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
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
    // the scenario's remaining steps end with its peers, and nobody waits for them
    aborted.catch(() => undefined);
  }
}

function late(limit: number, waitedFor: readonly string[], silent: readonly string[]): LingerlabError {
  const at =
    waitedFor.length > 0
      ? `it waited for ${waitedFor.join('; ')}`
      : 'it waited for no step, but for a promise of its own';
  const mute = silent.length > 0 ? `; ${new Intl.ListFormat('en').format(silent)} did not answer` : '';
  return new LingerlabError(
    'CELL_DEADLINE',
    `the scenario did not end within ${seconds(limit)}: ${at}${mute}`,
    "correct the step that cannot end, or raise the experiment's `seconds`",
  );
}

/** Adds the step for which a scenario waited to the error that ended the scenario from outside. */
function atStep(error: unknown, steps: Steps): unknown {
  if (!(error instanceof LingerlabError)) return error;
  const { names, at } = steps.running();
  return error.from({ at, step: names[0] });
}

function scenarioError(error: unknown): LingerlabError {
  if (error instanceof LingerlabError) return error;
  const at = error instanceof Error ? experimentPlace(error) : undefined;
  return new LingerlabError(
    'SCENARIO_THREW',
    `the scenario threw: ${messageOf(error)}`,
    'correct this line of the experiment; the other cells are not affected',
    { cause: error, at },
  );
}
