import { wiresOwn } from '../../facts/carried.ts';
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

/** A closing call by its name: `close(2)`, `destroy()`. */
export const callName = ({ how = 'close' }: Omit<AsideRecord, 'what'>): string =>
  how === 'raw-close' ? 'close(2)' : `${how}()`;

/** What a segment of each purpose is called where several are counted. */
export const things: Readonly<Record<Purpose, string>> = {
  SYN: 'SYN',
  FIN: 'FIN',
  RST: 'RST',
  data: 'data segment',
  ACK: 'ACK',
};

/** What became of counted segments that the wire did not just carry. */
export const becameOf: Partial<Record<SegmentRecord['deed'], string>> = {
  dropped: 'dropped by the wire',
  'black hole': 'lost in a black hole',
  'queue full': 'lost for a full queue',
  copy: 'copied by the wire',
  replay: 'replayed by the wire',
  forged: 'forged by the wire',
};
