import type { AnyLoadDefinition, AnyScenarioDefinition, LoadedExperiment } from '../../src/experiment/definition.ts';
import type { LoadCell, ScenarioCell } from '../../src/plan/cells.ts';

/** A definition with what every one needs, and the parts that matter to a test. */
export const define = (parts: Partial<AnyScenarioDefinition> & { readonly id: string }): AnyScenarioDefinition => ({
  kind: 'scenario',
  question: 'q',
  factors: {},
  scenario: async () => {},
  claims: [],
  answer: () => '',
  ...parts,
});

/** A definition of loads. */
export const defineLoad = (parts: Partial<AnyLoadDefinition> & { readonly id: string }): AnyLoadDefinition => ({
  kind: 'load',
  question: 'q',
  factors: {},
  load: { repeats: 1 },
  scenario: async () => {},
  claims: [],
  answer: () => '',
  ...parts,
});

/** The same as if it had been loaded. */
export const load = (
  parts: (Partial<AnyScenarioDefinition> | AnyLoadDefinition) & { readonly id: string },
  file = `builtin:${parts.id}`,
): LoadedExperiment => ({
  definition: parts.kind === 'load' ? parts : define(parts),
  group: { title: 'Experiments', order: 0 },
  file,
  builtin: true,
  modules: [],
  sourceHash: '',
});

/** A planned cell with what matters to a test. */
export const cell = (parts: Partial<ScenarioCell>): ScenarioCell => ({
  kind: 'scenario',
  ...planned,
  race: false,
  quiet: false,
  ...parts,
});

/** The same of a load. */
export const loadCell = (parts: Partial<LoadCell>): LoadCell => ({ kind: 'load', ...planned, ...parts });

const planned = {
  id: 'x',
  experiment: 'x',
  factors: {},
  isDefault: true,
  isRare: false,
  repeats: 1,
  network: 'loopback',
  mtu: 1500,
  seconds: 1,
  sysctls: {},
  needs: [],
} as const;
