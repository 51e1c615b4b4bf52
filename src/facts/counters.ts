import type { CellRecord } from '../record/schema.ts';
import { partsOf } from './roles.ts';

/**
 * What a counter without a value says. Counters are recorded where they changed: one that is absent changed by 0 if any counter of
 * its namespace was recorded, and was not observed (`null`) otherwise. Undefined for a fact that is no counter.
 */
export function absentCounter(name: string, facts: CellRecord['facts']): 0 | null | undefined {
  const { of, whose } = partsOf(name);
  if (of !== 'namespace') return undefined;
  const prefix = `counters.${whose}.`;
  for (const other in facts) if (other.startsWith(prefix) && facts[other] !== null) return 0;
  return null;
}
