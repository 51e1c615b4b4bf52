import { expect, test } from 'vitest';
import { shown } from '../../src/verdict/reading.ts';

test.each([
  [61.23456789, { type: 'number', unit: 's', compare: 'within' }, '61.2346 s'],
  [1234567, { type: 'number', unit: 'bytes', compare: 'exact' }, '1234567 bytes'],
  [0, { type: 'number', unit: 'count', compare: 'exact' }, '0'],
  [true, { type: 'boolean', compare: 'exact' }, 'true'],
  [['FIN', 'RST'], { type: 'words', compare: 'exact' }, 'FIN → RST'],
  [[], { type: 'words', compare: 'exact' }, 'none'],
  [[0.25, 0.5], { type: 'numbers', unit: 's', compare: 'measurement' }, '0.25 s, 0.5 s'],
  [[{ call: 'bind', errno: 'EADDRINUSE' }], { type: 'calls', compare: 'exact' }, 'bind EADDRINUSE'],
] as const)('%j is shown as a reader wants it', (value, declared, text) => expect(shown(value, declared)).toBe(text));
