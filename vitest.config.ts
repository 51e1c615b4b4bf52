import { defineConfig } from 'vitest/config';

const conditions = ['lingerlab-source'];
const resolve = {
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, 'node', 'module', 'development'] } },
};

export default defineConfig({
  test: {
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
