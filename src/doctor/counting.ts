/** A process that counts, and prints what it counted as JSON. */
import { countedBy } from './counted.ts';

process.stdout.write(JSON.stringify(countedBy(() => process.hrtime.bigint())));
