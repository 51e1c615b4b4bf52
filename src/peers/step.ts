import { LingerlabError, messageOf } from '../errors.ts';
import type { Answer, Step } from '../experiment/handles.ts';

/**
 * A step is asked for at once. Awaited, it gives the value or rejects with STEP_REFUSED; `answer()` gives a refusal as
 * data. It is a thenable of its own and not a native promise, so that it knows whether anyone looked at it.
 */
class StepHandle<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Step';
  readonly #answer: Promise<Answer<T>>;
  readonly #what: string;
  readonly #looked: () => void;

  constructor(what: string, answer: Promise<Answer<T>>, looked: () => void) {
    this.#what = what;
    this.#answer = answer;
    this.#looked = looked;
  }

  answer(): Promise<Answer<T>> {
    this.#looked();
    return this.#answer;
  }

  async #value(): Promise<T> {
    const answer = await this.answer();
    if (answer.ok) return answer.value;
    throw new LingerlabError(
      'STEP_REFUSED',
      `${this.#what} was refused: ${answer.syscall} ${answer.errno}`,
      'if the refusal is what the experiment asks about, take it with .answer()',
      { step: this.#what },
    );
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting a step must be seen
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#value().then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#value().catch(rejected);
  }

  finally(done?: (() => void) | null): Promise<T> {
    return this.#value().finally(done);
  }
}

interface Taken {
  readonly what: string;
  settled: boolean;
  looked: boolean;
  /** The errno's name, or what the step failed with. */
  refusal?: string;
}

/** The steps of one scenario. */
export interface Steps {
  take<T>(what: string, answer: Promise<Answer<T>>): Step<T>;
  /** Throws STEP_UNAWAITED when a step is still running, or was refused or failed without anyone looking. */
  check(): void;
  /** What is still running, for the message of a deadline. */
  running(): readonly string[];
}

/** Steps that take longer than this wait for something: a timer of the kernel's, a segment, another end. */
const waitingMs = 50;

/** `waits`: told of each step that is taking long. */
export function makeSteps(waits: (step: Promise<unknown>) => void = () => {}): Steps {
  const taken: Taken[] = [];
  return {
    take(what, answer) {
      const step: Taken = { what, settled: false, looked: false };
      taken.push(step);
      const settled = answer.then(
        (given) => {
          step.settled = true;
          if (!given.ok) step.refusal = given.errno;
        },
        (error: unknown) => {
          step.settled = true;
          step.refusal = messageOf(error);
        },
      );
      const late = setTimeout(() => waits(settled), waitingMs);
      void settled.finally(() => clearTimeout(late));
      return new StepHandle(what, answer, () => {
        step.looked = true;
      });
    },
    check() {
      const running = taken.find((step) => !step.settled);
      const ignored = taken.find((step) => step.refusal && !step.looked);
      if (!running && !ignored) return;
      const step = (running ?? ignored)?.what;
      const problem = running
        ? `${running.what} was still running when the scenario ended`
        : `${ignored?.what} was refused (${ignored?.refusal}) and nobody looked`;
      throw new LingerlabError('STEP_UNAWAITED', problem, 'await every step of a scenario', { step });
    },
    running: () => taken.filter((step) => !step.settled).map((step) => step.what),
  };
}
