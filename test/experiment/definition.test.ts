import { expect, test } from 'vitest';
import { sentence } from '../../src/experiment/definition.ts';

test('parts become one sentence, without those of which nothing ran', () => {
  expect(sentence('a reset was sent', false, undefined, 'nothing was left')).toBe(
    'A reset was sent; nothing was left.',
  );
});

test('an answer of which no part ran says so', () => {
  expect(sentence(false, undefined)).toBe('What ran does not tell.');
});
