import { AsyncLocalStorage } from 'node:async_hooks';

/** Told what the scenario threw where nobody awaited it. */
type Fail = (error: unknown) => void;
const scenarios = new AsyncLocalStorage<Fail>();

/** Play a scenario so that what it throws in a timer, or rejects with unawaited, is known to be its own. */
export const asScenario = <T>(fail: Fail, play: () => T): T => scenarios.run(fail, play);

/**
 * While this lives, an error that nobody catches fails the cell whose scenario it comes from, and no other. One that comes from
 * no scenario is the program's own: it is thrown on, to end the process.
 */
export function catchStrays(): Disposable {
  const caught = (error: unknown): void => {
    const fail = scenarios.getStore();
    if (!fail) throw error;
    fail(error);
  };
  process.on('uncaughtException', caught).on('unhandledRejection', caught);
  return {
    [Symbol.dispose]: () => void process.off('uncaughtException', caught).off('unhandledRejection', caught),
  };
}
