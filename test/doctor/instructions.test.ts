import { expect, test } from 'vitest';
import { countInstructions } from '../../src/doctor/instructions.ts';
import { socketOptionsHere } from '../../src/doctor/socket-options.ts';

test('instructions are counted where time counts them, and nowhere else', () => {
  expect(countInstructions(undefined)).toBeUndefined();
  expect(countInstructions({ accelerator: 'kvm', clockRule: 'real' })).toBeUndefined();
});

test('a socket option that this kernel lacks is not among its options', () => {
  const options = socketOptionsHere();
  expect(options).toContain('TCP_SAVE_SYN');
  expect(new Set(options).size).toBe(options.length);
});
