import { join } from 'node:path';
import { packageRoot } from '../../src/record/tool.ts';

/** The command, as a user starts it. */
export const bin = join(packageRoot(), 'src', 'bin.js');
