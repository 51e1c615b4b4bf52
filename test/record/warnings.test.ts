import { expect, test } from 'vitest';
import { warn, warningRemedies } from '../../src/record/warnings.ts';

test('a warning carries its code, its sentence and the remedy of its code', () => {
  expect(warn('trace-lost-events', 'cpu 1 lost 3 events')).toEqual({
    code: 'trace-lost-events',
    text: 'cpu 1 lost 3 events',
    remedy: warningRemedies['trace-lost-events'],
  });
});
