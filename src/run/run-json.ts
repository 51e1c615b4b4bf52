import { type AnyDefinition, rolesOf } from '../experiment/definition.ts';
import type { TraceSight } from '../observers/protocol.ts';
import { cellsOf } from '../plan/cells.ts';
import type { Selection } from '../plan/select.ts';
import {
  type CellRecord,
  type Environment,
  type ExperimentRecord,
  type RunRecord,
  type SessionCpu,
  type Speed,
  schemaVersion,
  type Warning,
} from '../record/schema.ts';
import { tool } from '../record/tool.ts';
import { warn } from '../record/warnings.ts';
import { answerOf } from '../verdict/answer.ts';
import { declaredBy } from '../verdict/asked.ts';
import { claimsWithoutCells } from '../verdict/claims.ts';
import { comparisonOf } from '../verdict/compared.ts';
import { guideOf } from '../verdict/guide.ts';
import { type Judged, outcomesOf, ranOf } from '../verdict/outcomes.ts';
import { judgeRun } from '../verdict/run.ts';
import type { Ended } from './loads.ts';

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
  const tags = [...(definition.tags ?? []), ...(definition.symptoms ?? [])];
  return {
    id: definition.id,
    group: group.title,
    question: definition.question,
    ...(tags.length > 0 && { tags }),
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

/** What a run came to besides its cells. */
export interface Ending {
  readonly trace: TraceSight;
  readonly left: readonly Warning[];
  /** By experiment, why its loads were repeated no more. */
  readonly ended: ReadonlyMap<string, Ended>;
}

/** The factors of the cells of its default matrix. */
const defaultsOf = (definition: AnyDefinition): CellRecord['factors'][] =>
  cellsOf(definition)
    .filter(({ isDefault }) => isDefault)
    .map(({ factors }) => ({ ...factors }));

/** run.json with what the cells that finished say: answers, verdicts, warnings of the run as a whole. */
export function finding(
  saved: RunRecord,
  selection: Selection,
  cells: readonly Judged[],
  { trace, left, ended }: Ending,
): RunRecord {
  const { experiments } = selection;
  const definitions = new Map(experiments.map(({ definition }) => [definition.id, definition]));
  const judged = saved.experiments.map((record) => {
    const definition = definitions.get(record.id);
    if (!definition) return record;
    const load =
      definition.kind === 'load' &&
      comparisonOf(definition, outcomesOf(definition, ranOf(definition, cells)).outcomes, ended.get(record.id));
    const guide = guideOf(definition, cells, defaultsOf(definition));
    return {
      ...record,
      ...answerOf(definition, cells),
      claims: judgeRun(definition, cells),
      ...(guide.length > 0 && { guide }),
      ...(load && { load }),
    };
  });
  const idle = experiments.flatMap(({ definition }) => claimsWithoutCells(definition, defaultsOf(definition)));
  const blind = trace.transitions ? [] : [warn('tracepoints-unavailable', `no tracepoints: ${trace.missing}`)];
  const { pinned = {} } = saved.sessions.at(-1)?.environment ?? {};
  const groups = groupsOf(selection, judged);
  const repeats = { ...saved.repeats, ...repeatsPlayed(cells, ended) };
  return {
    ...saved,
    experiments: judged,
    groups,
    repeats,
    warnings: [...blind, ...refusedSettings(pinned), ...idle, ...left],
  };
}

/** How often the cells ran whose repeats ended before there were as many as there may be. */
function repeatsPlayed(cells: readonly Judged[], ended: Ending['ended']): RunRecord['repeats'] {
  const own = cells.filter(({ experiment }) => ended.has(experiment));
  return Object.fromEntries(
    [...Map.groupBy(own, ({ id }) => id)].map(([id, all]) => [id, Math.max(...all.map(({ repeat }) => repeat))]),
  );
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

/** run.json with what its last session cost, and how fast the machine was after it. */
export const costing = (saved: RunRecord, cpu: SessionCpu | undefined, after: Speed): RunRecord => {
  const sessions = saved.sessions.map((session, index) => {
    if (index < saved.sessions.length - 1) return session;
    const { calibration } = session.environment;
    const environment = calibration
      ? { ...session.environment, calibration: { ...calibration, after } }
      : session.environment;
    return { ...session, environment, ...(cpu && { cpu }) };
  });
  return { ...saved, sessions };
};
