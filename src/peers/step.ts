import { type FilePlace, LingerlabError, messageOf } from '../errors.ts';
import type { Answer, Step } from '../experiment/handles.ts';
import { experimentPlace } from '../process/experiment-code.ts';

/**
 * A step is asked for at once. Awaited, it gives the value or rejects with STEP_REFUSED; `answer()` gives a refusal as
 * data. It is a thenable of its own and not a native promise, so that it knows whether anyone looked at it.
 */
class StepHandle<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Step';
  readonly #answer: Promise<Answer<T>>;
  readonly #what: string;
  readonly #looked: () => void;
  readonly #place: () => FilePlace | undefined;

  constructor(what: string, answer: Promise<Answer<T>>, place: () => FilePlace | undefined, looked: () => void) {
    this.#what = what;
    this.#answer = answer;
    this.#place = place;
    this.#looked = looked;
  }

  async answer(): Promise<Answer<T>> {
    this.#looked();
    try {
      return await this.#answer;
    } catch (error) {
      throw stepError(error).from({ at: this.#place(), step: this.#what });
    }
  }

  async #value(): Promise<T> {
    const answer = await this.answer();
    if (answer.ok) return answer.value;
    const isLacking = lacks(answer);
    throw new LingerlabError(
      isLacking ? 'KERNEL_LACKS' : 'STEP_REFUSED',
      `${this.#what} was refused${isLacking ? ', since this kernel cannot do it' : ''}: ${answer.syscall} ${answer.errno}`,
      'if the experiment expects the refusal, add .answer() to this step',
      { at: this.#place(), step: this.#what },
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

/**
 * Whether a refusal says that this kernel does not have what was asked for: a socket option, or the end of a socket in TIME-WAIT, which
 * kernels of before 6.1 do not take from ss -K. Such a cell is unsupported, as one whose sysctl is not there.
 */
const lacks = ({ syscall, errno }: { readonly syscall: string; readonly errno: string }): boolean =>
  (errno === 'ENOPROTOOPT' && /^[gs]etsockopt$/.test(syscall)) ||
  (errno === 'EOPNOTSUPP' && syscall === 'SOCK_DESTROY');

/** What a step failed with, where that is no refusal: also a wrong argument, which is noticed only when it is about to be taken. */
const stepError = (error: unknown): LingerlabError =>
  error instanceof LingerlabError
    ? error
    : new LingerlabError('SCENARIO_THREW', messageOf(error), 'correct this step of the scenario', { cause: error });

interface Taken {
  readonly what: () => string;
  /** The line of the scenario. */
  readonly place: () => FilePlace | undefined;
  settled: boolean;
  looked: boolean;
  /** The errno's name, or what the step failed with. */
  refusal?: string;
}

/** The steps of one scenario. */
export interface Steps {
  take<T>(what: string, answer: Promise<Answer<T>>): Step<T>;
  /** The same of a wait that no process answers, which is no step, and rejects with what `wait` does; `what` is asked when it is named. */
  wait<T>(what: () => string, wait: Promise<T>): Promise<T>;
  /** Throws STEP_UNAWAITED when a step is still running, or was refused or failed without anyone looking. */
  check(): void;
  /** What is still running, for the message of a deadline, and the line of the first. */
  running(): { readonly names: readonly string[]; readonly at: FilePlace | undefined };
}

/** Steps that take longer than this wait for something: a timer of the kernel's, a segment, another end. */
const waitingMs = 50;

/** Makes the steps of a scenario; calls `waits` with each step that takes long. */
export function makeSteps(waits: (step: Promise<unknown>) => void = () => {}): Steps {
  const taken: Taken[] = [];
  const begin = (what: () => string): Taken => {
    // V8 makes the text of a stack when it is read
    const here = new Error();
    const step: Taken = { what, place: () => experimentPlace(here), settled: false, looked: false };
    taken.push(step);
    return step;
  };
  return {
    take(what, answer) {
      const step = begin(() => what);
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
      return new StepHandle(what, answer, step.place, () => {
        step.looked = true;
      });
    },
    async wait(what, wait) {
      const step = begin(what);
      try {
        return await wait;
      } catch (error) {
        throw stepError(error).from({ at: step.place(), step: step.what() });
      } finally {
        step.settled = true;
      }
    },
    check() {
      const running = taken.find((step) => !step.settled);
      const ignored = taken.find((step) => step.refusal && !step.looked);
      const step = running ?? ignored;
      if (!step) return;
      const problem = running
        ? `${running.what()} was still running when the scenario ended`
        : `${step.what()} was refused (${step.refusal}) and nobody looked`;
      throw new LingerlabError('STEP_UNAWAITED', problem, 'await every step of a scenario', {
        at: step.place(),
        step: step.what(),
      });
    },
    running() {
      const running = taken.filter((step) => !step.settled);
      return { names: running.map(({ what }) => what()), at: running[0]?.place() };
    },
  };
}
