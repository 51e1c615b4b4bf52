import { wiresOwn } from '../../facts/carried.ts';
import { formatSeconds } from '../../facts/values.ts';
import type { AsideRecord, SegmentRecord } from '../../record/schema.ts';

/** The wire's own: nobody sent it there and then. */
export const isOwn = ({ deed }: SegmentRecord): boolean => wiresOwn.has(deed);

/** A call that holds its thread for longer, ns, blocks: a busy machine was seen to hold one of 0.2 ms for 17. */
export const blocksNs = 20e6;

/** Whether a call is drawn from where it was called to where it returned. */
export const blocks = ({ t, until = t }: Omit<AsideRecord, 'what'>): boolean => until - t >= blocksNs;

/** Below the initial number, as what an old incarnation says of a new one is: nobody sends 2 GiB in a ladder. */
export const signed = (relative: number): number => (relative >= 2 ** 31 ? relative - 2 ** 32 : relative);

/** What a segment is for, by its flags and payload. */
export type Purpose = 'SYN' | 'FIN' | 'RST' | 'data' | 'ACK';

export function purposeOf({ flags, length }: SegmentRecord): Purpose {
  const flag = (['RST', 'SYN', 'FIN'] as const).find((each) => flags.includes(each));
  return flag ?? (length > 0 ? 'data' : 'ACK');
}

/** The wire let it through, sooner or later as its network has it. */
export const hasPassed = ({ deed }: SegmentRecord): boolean => deed === 'carried' || deed === 'delayed';

/** Tells the connections of a cell apart. */
export const connectionOf = ({ label, incarnation }: SegmentRecord): string => `${label} ${incarnation}`;

/** The wire kept it for a while. */
export const isHeld = ({ deed }: SegmentRecord): boolean => deed === 'held';

/** It was on its way for as long as its network has it. */
export const isDelayed = ({ deed }: SegmentRecord): boolean => deed === 'delayed';

/** Not lost, as far as the record says, though it may have no arrival. */
export const isKept = (segment: SegmentRecord): boolean => isHeld(segment) || hasPassed(segment);

/** The number of the segment that the wire sends once more by and by. */
export const replayOf = ({ deed, of }: SegmentRecord): number | undefined => (deed === 'replay' ? of : undefined);

/** Tells apart what the wire did with segments beyond letting them through; empty for that. */
export const deedKey = (segment: SegmentRecord): string => (hasPassed(segment) ? '' : segment.deed);

/** What the wire did with a segment beyond carrying it; `original` says which one it repeats. */
export function deedText({ deed, from, t, arrived }: SegmentRecord, original: string): string {
  const after = arrived === undefined ? '' : formatSeconds((arrived - t) / 1e9);
  switch (deed) {
    case 'carried':
      return arrived === undefined ? 'arrival not recorded' : '';
    case 'dropped':
      return 'lost: dropped by the wire';
    case 'black hole':
      return 'lost in a black hole';
    case 'lost':
      return 'lost';
    case 'queue full':
      return 'lost: the queue was full';
    case 'held':
      return after === '' ? 'held, never released' : `held for ${after}`;
    case 'delayed':
      return after === '' ? 'delayed, arrival not recorded' : `delayed by ${after}`;
    case 'forged':
      return `forged by the wire in the ${from}'s name`;
    case 'copy':
      return `copied by the wire${original}`;
    case 'replay':
      return `replayed by the wire${original}`;
  }
}

const becameOf: Partial<Record<SegmentRecord['deed'], string>> = {
  dropped: 'dropped by the wire',
  'black hole': 'lost in a black hole',
  'queue full': 'lost for a full queue',
  copy: 'copied by the wire',
  replay: 'replayed by the wire',
  forged: 'forged by the wire',
};

/** What became of counted segments that the wire did not just carry. */
export const becameText = ({ deed }: SegmentRecord): string => becameOf[deed] ?? deed;

/** A segment's TCP options. */
export const optionsText = ({ options = '' }: SegmentRecord): string => options;

type Aside = Omit<AsideRecord, 'what'>;

/** Tells asides of one kind apart. */
export const asideKey = ({ how }: Aside): string | undefined => how;

/** Why what the wire made is no segment, or what the kernel said of it. */
export const forgedWhy = ({ how = '' }: Aside): string =>
  how.startsWith('refused') ? how.replace(' by the kernel', '') : how;

/** A closing call by its name: `close(2)`, `destroy()`. */
export const callName = ({ how = 'close' }: Aside): string => (how === 'raw-close' ? 'close(2)' : `${how}()`);

/** What a segment of each purpose is called where several are counted. */
export const things: Readonly<Record<Purpose, string>> = {
  SYN: 'SYN',
  FIN: 'FIN',
  RST: 'RST',
  data: 'data segment',
  ACK: 'ACK',
};
