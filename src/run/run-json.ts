import { type AnyDefinition, rolesOf } from '../experiment/definition.ts';
import type { TraceSight } from '../observers/protocol.ts';
import { cellsOf } from '../plan/cells.ts';
import type { Selection } from '../plan/select.ts';
import {
  type Environment,
  type ExperimentRecord,
  type RunRecord,
  type SessionCpu,
  schemaVersion,
  type Warning,
} from '../record/schema.ts';
import { tool } from '../record/tool.ts';
import { warn } from '../record/warnings.ts';
import { answerOf } from '../verdict/answer.ts';
import { declaredBy } from '../verdict/asked.ts';
import { claimsWithoutCells } from '../verdict/claims.ts';
import { comparisonOf } from '../verdict/compared.ts';
import { type Judged, outcomesOf, ranOf } from '../verdict/outcomes.ts';
import { judgeRun } from '../verdict/run.ts';

interface Beginning {
  readonly selection: Selection;
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly clock: RunRecord['clock'];
  readonly startedAt: string;
}

/** run.json as it stands before the first cell. */
export function beginning({ selection, argv, environment, clock, startedAt }: Beginning): RunRecord {
  return {
    schemaVersion,
    tool: tool(),
    argv: [...argv],
    status: 'running',
    pid: process.pid,
    clock,
    sessions: [{ startedAt, finishedAt: null, environment }],
    experiments: selection.experiments.map(experimentRecord),
    groups: groupsOf(selection, []),
    plan: selection.cells.map(({ id }) => id),
    repeats: Object.fromEntries(
      selection.cells.filter(({ repeats }) => repeats !== 1).map(({ id, repeats }) => [id, repeats]),
    ),
    notRun: [],
    warnings: [],
  };
}

const mutableFactors = (definition: AnyDefinition): ExperimentRecord['factors'] =>
  Object.fromEntries(Object.entries(definition.factors).map(([name, values]) => [name, [...(values as [])]]));

function experimentRecord({
  definition,
  group,
  sourceHash,
  modules,
  file,
  builtin,
}: Selection['experiments'][number]): ExperimentRecord {
  const roles = rolesOf(definition);
  return {
    id: definition.id,
    group: group.title,
    question: definition.question,
    factors: mutableFactors(definition),
    ...(definition.words && { words: definition.words as NonNullable<ExperimentRecord['words']> }),
    facts: declaredBy(definition) as ExperimentRecord['facts'],
    shows: [...(definition.shows ?? [])] as string[],
    ...(roles.length > 0 && { roles }),
    sourceHash,
    ...(modules.length > 0 && { modules: [...modules] }),
    file,
    builtin,
    answer: null,
    answered: null,
    claims: [],
  };
}

/** run.json with what the cells that finished say: answers, verdicts, warnings of the run as a whole. */
export function finding(
  saved: RunRecord,
  selection: Selection,
  cells: readonly Judged[],
  trace: TraceSight,
  left: readonly Warning[],
): RunRecord {
  const { experiments } = selection;
  const definitions = new Map(experiments.map(({ definition }) => [definition.id, definition]));
  const judged = saved.experiments.map((record) => {
    const definition = definitions.get(record.id);
    if (!definition) return record;
    const load =
      definition.kind === 'load' && comparisonOf(definition, outcomesOf(definition, ranOf(definition, cells)).outcomes);
    return {
      ...record,
      ...answerOf(definition, cells),
      claims: judgeRun(definition, cells),
      ...(load && { load }),
    };
  });
  const idle = experiments.flatMap(({ definition }) =>
    claimsWithoutCells(
      definition,
      cellsOf(definition)
        .filter(({ isDefault }) => isDefault)
        .map(({ factors }) => ({ ...factors })),
    ),
  );
  const blind = trace.transitions ? [] : [warn('tracepoints-unavailable', `no tracepoints: ${trace.missing}`)];
  const pinned = saved.sessions.at(-1)?.environment.pinned ?? {};
  const groups = groupsOf(selection, judged);
  return { ...saved, experiments: judged, groups, warnings: [...blind, ...refusedSettings(pinned), ...idle, ...left] };
}

/** Groups of questions with what is answered so far: the headline of a group is its lead's, or its first that there is. */
function groupsOf({ experiments }: Selection, judged: readonly ExperimentRecord[]): RunRecord['groups'] {
  const headlines = new Map(
    judged.flatMap(({ id, answer }) =>
      answer && 'headline' in answer && answer.headline !== null ? [[id, answer.headline] as const] : [],
    ),
  );
  return [...Map.groupBy(experiments, ({ group }) => group.title)].map(([title, own]) => {
    const ids = own.map(({ definition }) => definition.id);
    const { order, lead } = (own[0] as (typeof own)[number]).group;
    const speaker = [...(lead === undefined ? [] : [lead]), ...ids].find((id) => ids.includes(id) && headlines.has(id));
    return {
      title,
      order,
      experiments: ids,
      headline: speaker === undefined ? null : { text: headlines.get(speaker) as string, experiment: speaker },
    };
  });
}

/** Warns of each sysctl whose value the kernel refused, so that every cell ran with another one. */
export const refusedSettings = (pinned: NonNullable<Environment['pinned']>): Warning[] =>
  Object.entries(pinned).flatMap(([name, { set, refused }]) =>
    refused === undefined
      ? []
      : [warn('sysctl-refused', `every cell ran with ${name} = ${set}: this kernel refused ${refused}`)],
  );

/** run.json with what its last session cost. */
export const costing = (saved: RunRecord, cpu: SessionCpu | undefined): RunRecord => {
  const sessions = saved.sessions.map((session, index) =>
    cpu && index === saved.sessions.length - 1 ? { ...session, cpu } : session,
  );
  return { ...saved, sessions };
};
