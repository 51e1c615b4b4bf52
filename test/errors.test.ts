import { openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LingerlabError, withMachineErrorsTold } from '../src/errors.ts';
import { notWritable } from '../src/record/save.ts';

const systemError = (code: string, syscall: string) => Object.assign(new Error(`${code}: so`), { code, syscall });

test('what the machine refused is no defect of the program, whatever it was doing', () => {
  const told = (error: unknown) => (withMachineErrorsTold(error) as LingerlabError).code;
  expect(told(systemError('EMFILE', 'open'))).toBe('NO_DESCRIPTORS');
  expect(told(systemError('ENFILE', 'pipe2'))).toBe('NO_DESCRIPTORS');
  expect(told(systemError('ENOENT', 'uv_cwd'))).toBe('NO_WORKING_FOLDER');
});

test('a folder that cannot be written is told from a limit of the process', () => {
  expect(notWritable('/nowhere/run.json', systemError('EMFILE', 'open')).code).toBe('NO_DESCRIPTORS');
  expect(notWritable('/nowhere/run.json', systemError('EACCES', 'open')).code).toBe('RUN_NOT_WRITABLE');
});

test('every other error stays what it is', () => {
  const coded = new LingerlabError('NO_SS', 'no ss', 'install it');
  expect(withMachineErrorsTold(coded)).toBe(coded);
  expect(withMachineErrorsTold('thrown')).toBe('thrown');
  let missing: unknown;
  try {
    openSync('/nowhere', 'r');
  } catch (error) {
    missing = error;
  }
  expect(withMachineErrorsTold(missing)).toBe(missing);
});
