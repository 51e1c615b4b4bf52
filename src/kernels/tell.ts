import type { KernelOutcome } from './run.ts';

/** How a kernel fared, in a sentence without its name. */
export function outcomeText({ ended, problem, hasRun }: KernelOutcome): string {
  if (!ended) return `was not started: ${problem}`;
  const { end, said } = ended;
  const when = said.booted ? '' : ' before it had booted';
  const kept = hasRun ? '; what finished is saved' : '';
  switch (end.outcome) {
    case 'ended': {
      const lacks = said.lacks.length > 0 ? `, lacks ${said.lacks.join(', ')}` : '';
      return `${end.code === 0 ? 'ended' : `ended with exit code ${end.code}`}${lacks}`;
    }
    case 'unfit':
      return `lacks ${end.lacks.join(', ')}`;
    case 'panicked':
      return `panicked${when}: ${end.panic}${kept}`;
    case 'lost':
      return `was lost${when}: ${end.how}${kept}`;
    case 'out-of-time':
      return `ran out of time${when} (${end.limit})${kept}`;
    case 'interrupted':
      return `was interrupted${kept}`;
  }
}

/** Whether the kernel came as far as our own init. */
export const hasBooted = ({ ended }: KernelOutcome): boolean => ended?.said.booted ?? false;

/** Whether the run inside came to its end. */
export const hasEnded = ({ ended }: KernelOutcome): boolean => ended?.end.outcome === 'ended';
