import { expect, test } from 'vitest';
import { isExperimentFile } from '../../src/process/own-files.ts';

test.each([
  ['file:///home/me/my-question.ts', true],
  ['file:///app/node_modules/lingerlab/dist/experiments/load/load.js', true],
  ['file:///app/node_modules/lingerlab/dist/experiments/opening/shared/timing.js', true],
  ['file:///app/node_modules/lingerlab/dist/src/run/run.js', false],
  // what this program itself imports
  ['file:///app/node_modules/zod/v4/classic/schemas.js', false],
  ['file:///app/node_modules/lingerlab/node_modules/zod/v4/classic/schemas.js', false],
])('%s: %s', (url, is) => {
  expect(isExperimentFile(url, 'file:///app/node_modules/lingerlab/dist/src/')).toBe(is);
});
