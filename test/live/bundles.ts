import { entryPoint } from '../../src/process/entry.ts';

/** Bundles what the program starts: tests run it as users who may not write to the checkout. */
export const setup = (): void => void entryPoint('peers/main');
