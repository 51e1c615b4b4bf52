import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

function noteOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}

/** Says in the last lines what was skipped, and why. */
export default class Skipped implements Reporter {
  /** Whether only the tests of some names were asked for: the others are nobody's loss. */
  #isPart = false;

  onInit({ config }: Vitest): void {
    this.#isPart = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter((test) => !this.#isPart || noteOf(test) !== undefined);
    const reasons = Map.groupBy(skipped, (test) => noteOf(test) ?? 'skipped in its file, without a reason');
    // the default reporter's summary comes first
    process.once('exit', () => {
      for (const [reason, tests] of reasons) {
        process.stdout.write(`skipped: ${tests.map(({ fullName }) => fullName).join(', ')}: ${reason}\n`);
      }
    });
  }
}
