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

/** Moments that are one line. */
export interface Group<M> {
  /** The first of them: all, where they are too few to be counted together. */
  readonly first: readonly [M, ...M[]];
  readonly count: number;
  readonly bytes: number;
  /** When the last was. */
  readonly until: Ns;
}

type Open<M> = { -readonly [K in keyof Group<M>]: Group<M>[K] } & { first: [M, ...M[]] };

/**
 * Puts moments, given in order, into groups, each of which is one line: equal ones between two that differ from them are together,
 * whatever else of that kind is between them. Of a group no more is kept than its line needs.
 */
export class Folding<M extends Foldable> {
  /** Of moments that all may be counted: in the order of the first of each. */
  #stretch: Open<M>[] = [];
  readonly #open = new Map<string, Open<M>>();

  /** The groups that are complete with this moment. */
  add(moment: M): readonly Group<M>[] {
    const { alike } = moment;
    if (!alike) return [...this.end(), single(moment)];
    const group = this.#open.get(alike.key);
    if (!group || (alike.silences && moment.at - group.until >= silenceNs)) {
      const next = single(moment);
      this.#open.set(alike.key, next);
      this.#stretch.push(next);
      return [];
    }
    if (group.count < leastOf(alike)) group.first.push(moment);
    group.count += 1;
    group.bytes += alike.bytes ?? 0;
    group.until = moment.at;
    return [];
  }

  /** The groups that no more moments come to. */
  end(): readonly Group<M>[] {
    const groups = this.#stretch.flatMap((group) =>
      group.count >= leastOf(group.first[0].alike as Alike) ? [group] : group.first.map(single),
    );
    this.#stretch = [];
    this.#open.clear();
    return groups.sort((a, b) => a.first[0].at - b.first[0].at);
  }
}

const single = <M extends Foldable>(moment: M): Open<M> => ({
  first: [moment],
  count: 1,
  bytes: moment.alike?.bytes ?? 0,
  until: moment.at,
});
