import type { Search } from '../catalogue/search.ts';
import { LingerlabError } from '../errors.ts';
import type { LoadedExperiment } from '../experiment/definition.ts';

/** The experiments about these words. Throws UNKNOWN_EXPERIMENT with the nearest words where no experiment is about them. */
export function foundFor(words: string, search: Search): LoadedExperiment[] {
  const found = search.find(words);
  if (found.length > 0) return found;
  const near = search.nearest(words).map((word) => `"${word}"`);
  throw new LingerlabError(
    'UNKNOWN_EXPERIMENT',
    `no experiment is about "${words}"`,
    `try one of the nearest words: ${near.join(', ')}`,
  );
}
