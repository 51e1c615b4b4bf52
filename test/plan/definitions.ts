import type { AnyDefinition, LoadedExperiment } from '../../src/experiment/definition.ts';
import type { PlannedCell } from '../../src/plan/cells.ts';

/** A definition with what every one needs, and the parts that matter to a test. */
export const define = (parts: Partial<AnyDefinition> & { readonly id: string }): AnyDefinition => ({
  question: 'q',
  factors: {},
  scenario: async () => {},
  claims: [],
  answer: () => '',
  ...parts,
});

/** The same as if it had been loaded. */
export const load = (
  parts: Partial<AnyDefinition> & { readonly id: string },
  file = `builtin:${parts.id}`,
): LoadedExperiment => ({
  definition: define(parts),
  group: { title: 'Experiments', order: 0 },
  file,
  sourceHash: '',
});

/** A planned cell with what matters to a test. */
export const cell = (parts: Partial<PlannedCell>): PlannedCell => ({
  id: 'x',
  experiment: 'x',
  factors: {},
  isDefault: true,
  repeats: 1,
  race: false,
  network: 'loopback',
  mtu: 1500,
  seconds: 1,
  quiet: false,
  load: false,
  sysctls: {},
  needs: [],
  ...parts,
});
