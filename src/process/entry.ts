import { join } from 'node:path';
import { packageRoot } from '../record/tool.ts';

/** The compiled program of a process of ours: `peers/main.cjs`. Always from dist/, from sources under test too. */
export const entryPoint = (program: string): string => join(packageRoot(), 'dist', 'src', program);
