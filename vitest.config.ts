import { defineConfig } from 'vitest/config';

if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error('run the tests by make: it uses the pinned Node.js');

const conditions = ['lingerlab-source'];
const resolve = {
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, 'node', 'module', 'development'] } },
};

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
          name: 'live',
          // once, by a user who may write it
          globalSetup: './test/live/bundles.ts',
          pool: 'forks',
          include: ['test/live/**/*.test.ts'],
          // each starts runs of its own: one file at a time, so that what one leaves is not reaped by another's
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
