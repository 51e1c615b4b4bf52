import {
  type Knob,
  type KnobKind,
  knobKinds,
  knobs,
  type Symptom,
  type SymptomKind,
  symptomKinds,
  symptoms,
} from '../../experiment/guide.ts';
import type { Conclusions } from '../../record/read.ts';
import type { ExperimentRecord, StatementRecord } from '../../record/schema.ts';
import { compareReleases, type Known, kernelNames, knownFor } from '../compare/known.ts';
import { environmentOf, type Planned, plannedIn } from '../gather.ts';
import { type Which, whichOf } from '../which-cells.ts';
import { type KnobText, knobTexts } from './knobs.ts';
import { type SymptomText, symptomTexts } from './symptoms.ts';

/** A run of the guide: by its kernel, and where its folder is. */
export interface GuideRun {
  readonly folder: string;
  /** The shortest name of its kernel that no other run of the guide has. */
  readonly label: string;
  readonly kernel: string;
  readonly distribution: string;
  /** It is a kept run, without the events of its cells. */
  readonly isKept: boolean;
  /** It saved no statement: an older version of the program made it, or it is not complete. */
  readonly isSilent: boolean;
}

/** What one run has of a statement. */
export interface Evidence {
  /** Of which run of the guide, counted from 0. */
  readonly run: number;
  readonly number: string;
  readonly holds: boolean;
  /** In so many of the results, or comparisons of loads, it holds. */
  readonly held: number;
  readonly of: number;
  /** So many cells that it is about decide nothing here: they did not run, or a fact was not observed. */
  readonly lacking: number;
  readonly where: Which;
  /** A cell to look at: the first in which it rests. */
  readonly cell: string;
}

/** A sentence of the guide with its evidence on each kernel. */
export interface Said {
  /** `server-restart/with-an-option-at-once` */
  readonly id: string;
  readonly experiment: string;
  /** Text and number are of the newest kernel on which it holds, or else of the newest that has evidence. */
  readonly text: string;
  readonly number: string;
  /** On all of these kernels, on none, or on some. */
  readonly holds: 'everywhere' | 'nowhere' | 'partly';
  /** By ascending kernel. */
  readonly evidence: readonly Evidence[];
  /** Known changes of the kernel that explain why it holds on some. */
  readonly known?: readonly Known[];
}

/** The statements of one kind about a knob or a symptom. */
export interface SaidAs<K> {
  readonly kind: K;
  readonly said: readonly Said[];
}

interface Section<K, T> {
  /** By kind, in the order of the guide; without the kinds that nothing is said of. */
  readonly measured: readonly SaidAs<K>[];
  readonly text: T;
  /** The experiments that show it, the most telling first: theirs are said first. */
  readonly shownBy: readonly string[];
}
export interface KnobSection extends Section<KnobKind, KnobText> {
  readonly name: Knob;
}
export interface SymptomSection extends Section<SymptomKind, SymptomText> {
  readonly name: Symptom;
}

/** The tuning guide of one run or several: what is known of each symptom and each knob, and the statements that the runs prove. */
export interface Guide {
  /** By ascending kernel. */
  readonly runs: readonly GuideRun[];
  readonly symptoms: readonly SymptomSection[];
  readonly knobs: readonly KnobSection[];
}

interface Read {
  readonly run: Conclusions;
  readonly kernel: string;
}

/** A statement of one run. */
interface Stated {
  readonly at: number;
  readonly experiment: ExperimentRecord;
  readonly statement: StatementRecord;
}

const environmentIn = (run: Conclusions) => environmentOf({ ...run, cells: [] });

/** Makes the guide from run folders alone: a statement without evidence in any of these runs is not in it. */
export function guideOfRuns(given: readonly Conclusions[]): Guide {
  const read: Read[] = given
    .map((run) => ({ run, kernel: environmentIn(run)?.kernel ?? '' }))
    .toSorted((a, b) => compareReleases(a.kernel, b.kernel));
  const stated = read.flatMap(({ run }, at) =>
    run.run.experiments.flatMap((experiment) =>
      (experiment.guide ?? []).map((statement): Stated => ({ at, experiment, statement })),
    ),
  );
  const planned = read.map(({ run }) => Map.groupBy(plannedIn({ ...run, cells: [] }), ({ experiment }) => experiment));
  const all = [...Map.groupBy(stated, ({ experiment, statement }) => `${experiment.id}/${statement.id}`)].map(
    ([id, same]) => ({ about: (same.at(-1) as Stated).statement.about, ...saidOf(id, same, read, planned) }),
  );
  const said = <K>(name: string, kinds: readonly K[], shownBy: readonly string[]): SaidAs<K>[] =>
    kinds.flatMap((kind) => {
      const own = all.flatMap(({ about, ...each }) =>
        about.some((one) => one.name === name && one.kind === kind) ? [each] : [],
      );
      const place = ({ experiment }: Said): number =>
        shownBy.includes(experiment) ? shownBy.indexOf(experiment) : shownBy.length;
      return own.length > 0 ? [{ kind, said: own.toSorted((a, b) => place(a) - place(b)) }] : [];
    });
  return {
    runs: read.map(({ run, kernel }, at) => ({
      folder: run.folder,
      label: labelOf(read, at),
      kernel,
      distribution: environmentIn(run)?.distribution ?? '',
      isKept: run.packed,
      isSilent: run.run.experiments.every(({ guide }) => guide === undefined),
    })),
    symptoms: symptoms.map((name) => {
      const text = symptomTexts[name];
      return { name, measured: said(name, symptomKinds, text.shownBy), text, shownBy: text.shownBy };
    }),
    knobs: knobs.map((name) => {
      const text = knobTexts[name];
      return { name, measured: said(name, knobKinds, text.shownBy), text, shownBy: text.shownBy };
    }),
  };
}

/** `6.18`, or as much more as distinguishes it from the kernels of other runs. */
function labelOf(read: readonly Read[], at: number): string {
  const { kernel, run } = read[at] as Read;
  return kernelNames(read.map((each) => each.kernel))[at] ?? `${kernel} (${run.folder})`;
}

function saidOf(
  id: string,
  same: readonly Stated[],
  read: readonly Read[],
  planned: readonly ReadonlyMap<string, readonly Planned[]>[],
): Said {
  const { experiment, statement } = same.at(-1) as Stated;
  const evidence = same.map((each): Evidence => {
    const { number, held, of, cells, lacking = 0 } = each.statement;
    return {
      run: each.at,
      number,
      holds: held === of,
      held,
      of,
      lacking,
      where: whereOf(cells, planned[each.at]?.get(experiment.id) ?? []),
      cell: cells[0]?.id ?? experiment.id,
    };
  });
  const held = evidence.filter(({ holds }) => holds);
  // as it reads on the newest kernel on which it holds
  const shown = same.findLast(({ statement: { held: some, of } }) => some === of)?.statement ?? statement;
  const known = held.length > 0 && held.length < evidence.length ? knownOf(same, evidence, read) : undefined;
  return {
    id,
    experiment: experiment.id,
    text: shown.text,
    number: shown.number,
    holds: held.length === evidence.length ? 'everywhere' : held.length === 0 ? 'nowhere' : 'partly',
    evidence,
    ...(known && { known }),
  };
}

function whereOf(cells: StatementRecord['cells'], all: readonly Planned[]): Which {
  const ids = new Set(cells.map(({ id }) => id));
  return whichOf(
    all.filter(({ id }) => ids.has(id)),
    all,
    mostSets,
  );
}

/** There is room for so many sets of factor values where evidence is listed. */
const mostSets = 3;

function knownOf(
  same: readonly Stated[],
  evidence: readonly Evidence[],
  read: readonly Read[],
): readonly Known[] | undefined {
  const [{ experiment, statement }] = same as [Stated];
  if (statement.claim === undefined) return undefined;
  const values = read.map((_, at) => {
    const own = evidence.find(({ run }) => run === at);
    return own && (own.holds ? 'holds' : 'differs');
  });
  return knownFor(
    { experiment: experiment.id, claim: statement.claim, values },
    read.map(({ kernel }) => kernel),
  );
}
