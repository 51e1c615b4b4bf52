import type { Run } from '../record/schema.ts';
import type { EnvironmentDifference } from './comparison.ts';
import { environmentOf } from './gather.ts';

/** What of the machines, programs and settings is not the same in all runs, as their last sessions saw it. */
export function environmentDifferences(runs: readonly Run[]): EnvironmentDifference[] {
  const all = runs.map(flatten);
  const names = new Set(all.flatMap((each) => [...each.keys()]));
  return [...names]
    .map((name) => ({ name, values: all.map((each) => each.get(name) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

function flatten(run: Run): Map<string, string> {
  const seen = environmentOf(run);
  const flat = new Map([['lingerlab', run.run.tool.version]]);
  if (run.run.tool.commit) flat.set('commit', run.run.tool.commit.slice(0, 12));
  for (const [name, value] of Object.entries(seen ?? {})) {
    if (typeof value !== 'object') flat.set(name, String(value));
    else
      for (const [key, each] of Object.entries(value)) flat.set(name === 'sysctls' ? key : `can: ${key}`, String(each));
  }
  return flat;
}
