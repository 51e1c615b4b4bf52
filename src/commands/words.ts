import type { Search } from '../catalogue/search.ts';
import { LingerlabError } from '../errors.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';

/** The experiments about these words. Throws UNKNOWN_EXPERIMENT with the nearest words where no experiment is about them. */
export function foundFor(words: string, { find, nearest }: Search): LoadedExperiment[] {
  const found = find(words);
  if (found.length > 0) return found;
  const near = nearest(words).map((word) => `"${word}"`);
  throw new LingerlabError(
    'UNKNOWN_EXPERIMENT',
    `no experiment is about "${words}"`,
    `the nearest words that experiments are about: ${near.join(', ')}`,
  );
}
