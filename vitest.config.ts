import { defineConfig } from 'vitest/config';

if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error('run the tests by make: it uses the pinned Node.js');

const conditions = ['lingerlab-source'];
const resolve = {
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, 'node', 'module', 'development'] } },
};

/**
 * Files that measure or time, that kill a run and look at what the next one does with what it left, or that use a CPU for minutes, for
 * which deadlines of others are made longer: nothing else at their side.
 */
const alone = ['cost', 'crash', 'kernels', 'load', 'second-signal', 'wire-bench'].map(
  (name) => `test/live/${name}.test.ts`,
);
const live = {
  globalSetup: './test/live/machine.ts',
  pool: 'forks',
  // what ends a hang; a loaded machine takes its time
  testTimeout: 180_000,
  hookTimeout: 180_000,
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/skipped.ts'],
    projects: [
      {
        ...resolve,
        test: {
          name: 'unit',
          pool: 'forks',
          // a process for each file costs 0.75 s of CPU, three times what most files take
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**'],
          testTimeout: 20_000,
        },
      },
      {
        ...resolve,
        test: {
          ...live,
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          exclude: alone,
          // most of what they do is to wait for the kernel's timers: two leave 30 % of two CPUs idle
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...resolve,
        test: {
          ...live,
          name: 'alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
