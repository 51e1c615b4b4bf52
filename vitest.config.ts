import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['lingerlab-source'] },
  ssr: { resolve: { conditions: ['lingerlab-source', 'node', 'module', 'development'] } },
  test: {
    pool: 'forks',
    include: ['test/**/*.test.ts'],
  },
});
