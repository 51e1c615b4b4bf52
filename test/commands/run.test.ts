import { expect, test } from 'vitest';
import { freshFolder } from '../../src/commands/run.ts';

test('a run that begins in the same second as others has a folder of its own', () => {
  const taken = new Set(['results/20261120-084500-6.18.44', 'results/20261120-084500-6.18.44-2']);
  const folder = (name: string) => freshFolder(name, (path) => taken.has(path));
  expect(folder('20261120-084500-6.18.44')).toBe('results/20261120-084500-6.18.44-3');
  expect(folder('20261120-084501-6.18.44')).toBe('results/20261120-084501-6.18.44');
});
