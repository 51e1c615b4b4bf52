import type { Run } from '../record/schema.ts';
import type { EnvironmentDifference } from './comparison.ts';
import { environmentOf } from './gather.ts';

/**
 * What of the machines, programs and settings is not the same in all runs, as their last sessions saw it. Of a sysctl that
 * lingerlab sets, the kernel's own value counts; where a run did not record that, nothing can be said of it.
 */
export function environmentDifferences(runs: readonly Run[]): EnvironmentDifference[] {
  const all = runs.map(flatten);
  const names = new Set(all.flatMap((each) => [...each.keys()]));
  const pins = runs.map((run) => environmentOf(run)?.pinned);
  const set = new Set(pins.flatMap((each) => Object.keys(each ?? {})));
  return [...names]
    .filter((name) => !set.has(name) || pins.every((each) => each !== undefined))
    .map((name) => ({ name, values: all.map((each) => each.get(name) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

function flatten(run: Run): Map<string, string> {
  const seen = environmentOf(run);
  const flat = new Map([['lingerlab', run.run.tool.version]]);
  if (run.run.tool.commit) flat.set('commit', run.run.tool.commit.slice(0, 12));
  // measured anew by each run: a difference says nothing of the machine
  const { pinned = {}, wire: _wire, ...rest } = seen ?? {};
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== 'object') flat.set(name, String(value));
    else
      for (const [key, each] of Object.entries(value)) flat.set(name === 'sysctls' ? key : `can: ${key}`, String(each));
  }
  for (const [name, { own }] of Object.entries(pinned)) flat.set(name, own);
  return flat;
}
