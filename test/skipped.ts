import type { Reporter, TestModule } from 'vitest/node';

/** Says in the last lines what was skipped, and why. */
export default class Skipped implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const reasons = Map.groupBy(skipped, (test) => {
      const result = test.result();
      return (result.state === 'skipped' && result.note) || 'skipped in its file, without a reason';
    });
    // the default reporter's summary comes first
    process.once('exit', () => {
      for (const [reason, tests] of reasons) {
        process.stdout.write(`skipped: ${tests.map(({ fullName }) => fullName).join(', ')}: ${reason}\n`);
      }
    });
  }
}
