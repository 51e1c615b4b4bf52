import { silenceNs } from '../../facts/carried.ts';
import type { Ns } from '../../record/event.ts';
import type { Alike } from './words.ts';

/** So many equal things are counted together, unless they say otherwise. */
const usualLeast = 3;

export const leastOf = ({ least = usualLeast }: Alike): number => least;

interface Foldable {
  readonly at: Ns;
  readonly alike?: Alike;
}

/**
 * Moments in groups, each of which is one line: equal ones between two that differ from them are together, whatever else of
 * that kind is between them.
 */
export function folded<M extends Foldable>(moments: readonly M[]): M[][] {
  const groups: M[][] = [];
  let stretch: M[] = [];
  for (const moment of moments) {
    if (moment.alike) {
      stretch.push(moment);
      continue;
    }
    groups.push(...groupsOf(stretch), [moment]);
    stretch = [];
  }
  groups.push(...groupsOf(stretch));
  return groups;
}

/** Of moments that all may be counted: equal ones together, in the order of the first of each. */
function groupsOf<M extends Foldable>(stretch: readonly M[]): M[][] {
  const open = new Map<string, M[]>();
  const groups: M[][] = [];
  for (const moment of stretch) {
    const alike = moment.alike as Alike;
    const group = open.get(alike.key);
    const last = group?.at(-1);
    if (group && last && !(alike.silences && moment.at - last.at >= silenceNs)) {
      group.push(moment);
      continue;
    }
    const next = [moment];
    open.set(alike.key, next);
    groups.push(next);
  }
  return groups
    .flatMap((group) => (group.length >= leastOf(group[0]?.alike as Alike) ? [group] : group.map((each) => [each])))
    .sort(([a], [b]) => (a as M).at - (b as M).at);
}
