import { isWiresOwn } from '../facts/carried.ts';
import type { CellRecord, IncarnationRecord, SegmentRecord } from '../record/schema.ts';
import type { End } from '../tcp/states.ts';
import type { BeginMoment, SegmentMoment, StateMoment } from './ladder-moments.ts';

const isSame = (a: IncarnationRecord, b: IncarnationRecord): boolean => a.client === b.client && a.server === b.server;
const isOwn = ({ deed }: SegmentRecord): boolean => isWiresOwn(deed);
const has = ({ flags }: SegmentRecord, flag: 'SYN' | 'ACK' | 'RST'): boolean => flags.includes(flag);

/** Where each of several incarnations begins, with its addresses and ports. */
export function beginsOf(
  { incarnations = [], segments = [] }: Pick<CellRecord, 'incarnations' | 'segments'>,
  leaving: readonly SegmentMoment[],
  states: readonly StateMoment[],
): BeginMoment[] {
  const here = incarnations.filter(({ incarnation }) => segments.some((each) => each.incarnation === incarnation));
  if (here.length < 2) return [];
  return here.flatMap((incarnation, index): BeginMoment[] => {
    const first = leaving.find(
      ({ kind, segment }) => kind === 'leaves' && segment.incarnation === incarnation.incarnation,
    );
    if (!first) return [];
    const like = here.slice(0, index).findLast((other) => isSame(other, incarnation));
    const opening = states
      .filter(({ label, step }) => label === incarnation.label && step.state === 'SYN-SENT' && step.at <= first.at)
      .at(-1);
    const isOpening = opening && first.at - opening.at < openingNs;
    const begin: BeginMoment = {
      kind: 'begins',
      at: isOpening ? opening.at : first.at,
      after: [],
      incarnation,
      ...(like && { like }),
    };
    const later = isOpening ? opening : first;
    Object.assign(later, { after: [...later.after, begin] });
    return [begin];
  });
}

/** A SYN leaves at most so much after connect(2), ns: what is later is another's. */
const openingNs = 100e6;

/** What ended a TIME-WAIT that nobody saw go. */
export interface Replaced {
  readonly at: number;
  /** Where it was that segment's arrival. */
  readonly arrived?: SegmentRecord;
  readonly why: string;
}

/**
 * When a TIME-WAIT was gone since a new incarnation had its addresses and ports: its own end's SYN went out with them, or it
 * answered a SYN with its own; or since a RST had come that ended it.
 */
export function replacedBy(record: CellRecord, { label, end, step }: StateMoment): Replaced | undefined {
  const { incarnations = [], segments = [] } = record;
  const mine = incarnations.findLast((each) => each.label === label);
  const next = mine && incarnations.find((each) => each.incarnation > mine.incarnation && isSame(each, mine));
  if (next) {
    const own = segments.filter(({ incarnation, t }) => incarnation === next.incarnation && t >= step.at);
    const answered = own.find((each) => each.from === end && has(each, 'SYN') && !isOwn(each));
    if (answered && !has(answered, 'ACK')) return { at: answered.t, why: 'gave way to its SYN' };
    const syn =
      answered && own.findLast(({ from, flags, t }) => from !== end && flags.includes('SYN') && t < answered.t);
    if (syn?.arrived !== undefined) return { at: syn.arrived, arrived: syn, why: 'gave way to a SYN' };
  }
  if (whyClosed(record, label, end) !== endedByRst) return undefined;
  const reset = segments.find(
    (each) => each.from !== end && has(each, 'RST') && each.arrived !== undefined && each.arrived >= step.at,
  );
  return reset?.arrived === undefined ? undefined : { at: reset.arrived, arrived: reset, why: endedByRst };
}

const factName = (label: string, name: string): string => (label === '' ? name : `${label}.${name}`);

/** Why a TIME-WAIT ended that a RST ended. */
export const endedByRst = 'a RST ended it';

const reasons: Readonly<Record<string, string>> = {
  timer: 'its timer ran out',
  rst: endedByRst,
  kill: 'ss -K removed it',
  recycled: 'gave way to a SYN',
};

/** Why a TIME-WAIT that was seen to go ended, where the facts are of that end; undefined where they do not say. */
export function whyClosed({ facts }: CellRecord, label: string, end: End): string | undefined {
  if (facts[factName(label, 'timeWait.holder')] !== end) return undefined;
  const by = facts[factName(label, 'timeWait.endedBy')];
  return typeof by === 'string' ? reasons[by] : undefined;
}

/** Where the last of several attempts begins; 0 where there is one. An attempt begins with what the first began with. */
export function lastAttempt({ incarnations = [], segments = [] }: CellRecord): { from: number; attempt: number } {
  const [first] = incarnations;
  const begins = incarnations.filter(
    ({ label }, index) =>
      index > 0 && label !== '' && label === first?.label && incarnations[index - 1]?.label !== label,
  );
  const last = begins.at(-1);
  const from = segments.find(({ incarnation }) => incarnation === last?.incarnation)?.t;
  return last && from !== undefined ? { from, attempt: begins.length + 1 } : { from: 0, attempt: 1 };
}
