/** A process that cannot clean up. */
import { serve } from '../../src/process/serve.ts';

serve({} as never, () => {
  throw new Error('EBUSY');
});
