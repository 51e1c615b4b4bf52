import { isWiresOwn, repeatedBy } from '../../facts/carried.ts';
import { formatSeconds } from '../../facts/values.ts';
import type { AsideRecord, ClosingAside, SegmentRecord } from '../../record/schema.ts';
import type { TcpOption } from '../../tcp/header-options.ts';

/** The wire's own: nobody sent it there and then. */
export const isOwn = ({ deed }: SegmentRecord): boolean => isWiresOwn(deed);

/** A call that holds its thread for longer, ns, blocks: a busy machine was seen to hold one of 0.2 ms for 17. */
export const blocksNs = 20e6;

/** Whether a call is drawn from where it was called to where it returned. */
export const blocks = ({ t, until }: ClosingAside): boolean => until - t >= blocksNs;

/** Below the initial number, as what an old incarnation says of a new one is: nobody sends 2 GiB in a ladder. */
export const signed = (relative: number): number => (relative >= 2 ** 31 ? relative - 2 ** 32 : relative);

/** What a segment is for, by its flags and payload. */
export type Purpose = 'SYN' | 'FIN' | 'RST' | 'data' | 'ACK';

export function purposeOf({ flags, length }: SegmentRecord): Purpose {
  if (flags.includes('RST')) return 'RST';
  if (flags.includes('SYN')) return 'SYN';
  if (flags.includes('FIN')) return 'FIN';
  return length > 0 ? 'data' : 'ACK';
}

/** The wire let it through, sooner or later as its network has it. */
export const hasPassed = ({ deed }: SegmentRecord): boolean => deed.do === 'carried' || deed.do === 'delayed';

/** Returns the key of a segment's connection within its cell. */
export const connectionOf = ({ label, incarnation }: SegmentRecord): string => `${label} ${incarnation}`;

/** The wire kept it for a while. */
export const isHeld = ({ deed }: SegmentRecord): boolean => deed.do === 'held';

/** It was on its way for as long as its network has it. */
export const isDelayed = ({ deed }: SegmentRecord): boolean => deed.do === 'delayed';

/** Not lost, as far as the record says, though it may have no arrival. */
export const isKept = (segment: SegmentRecord): boolean => isHeld(segment) || hasPassed(segment);

/** The number of the segment that the wire sends once more by and by. */
export const replayOf = ({ deed }: SegmentRecord): number | undefined => (deed.do === 'replay' ? deed.of : undefined);

/** The number of the segment that this one repeats. */
export const originalOf = ({ deed }: SegmentRecord): number | undefined => repeatedBy(deed);

/** Tells apart what the wire did with segments beyond letting them through; empty for that. */
export const deedKey = (segment: SegmentRecord): string => (hasPassed(segment) ? '' : segment.deed.do);

/** A packet's way over the wire. */
export type Way = Pick<SegmentRecord, 'deed' | 'from' | 't' | 'arrived'>;

/** What the wire did with a packet, and how or of what; both empty where it just carried it. */
export interface DeedWords {
  readonly what: string;
  readonly more: string;
}

/** What the wire did with a packet beyond carrying it; `original` says which one it repeats, empty where that is not known. */
export function deedParts({ deed, from, t, arrived }: Way, original: string): DeedWords {
  const after = arrived === undefined ? '' : formatSeconds((arrived - t) / 1e9);
  const says = (what: string, more = ''): DeedWords => ({ what, more });
  switch (deed.do) {
    case 'carried':
      return says(arrived === undefined ? 'arrival not recorded' : '');
    case 'dropped':
      return says('lost', 'dropped by the wire');
    case 'refused':
      return says('lost', `refused by the kernel (${deed.errno})`);
    case 'black hole':
      return says('lost in a black hole');
    case 'lost':
      return says('lost');
    case 'queue full':
      return says('lost', 'the queue was full');
    case 'no mapping':
      return says('lost', 'the translation has no mapping');
    case 'held':
      return says(after === '' ? 'held, never released' : `held for ${after}`);
    case 'delayed':
      return says(after === '' ? 'delayed, arrival not recorded' : `delayed by ${after}`);
    case 'forged':
      return says(`forged by the wire in the ${from}'s name`);
    case 'copy':
      return says('copied by the wire', original);
    case 'replay':
      return says('replayed by the wire', original);
  }
}

/** These in one line: `lost: dropped by the wire`. */
export const deedText = ({ what, more }: DeedWords): string => (more === '' ? what : `${what}: ${more}`);

const becameOf: Partial<Record<SegmentRecord['deed']['do'], string>> = {
  dropped: 'dropped by the wire',
  refused: 'refused by the kernel',
  'black hole': 'lost in a black hole',
  'queue full': 'lost for a full queue',
  'no mapping': 'lost without a mapping',
  copy: 'copied by the wire',
  replay: 'replayed by the wire',
  forged: 'forged by the wire',
};

/** What became of counted segments that the wire did not just carry. */
export const becameText = ({ deed }: SegmentRecord): string => becameOf[deed.do] ?? deed.do;

/** One option as tcpdump(8) prints it: `mss 1460`, `sackOK`, `TS val 1 ecr 0`, `sack 1 {5:9}`. */
function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'mss':
      return `mss ${option.value}`;
    case 'wscale':
      return `wscale ${option.shift}`;
    case 'timestamps':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'sack':
      return `sack ${option.blocks.length} ${option.blocks.map(([left, right]) => `{${left}:${right}}`).join('')}`;
    case 'other':
      return `unknown-${option.code}${option.hex && ` 0x${option.hex}`}`;
    case 'rest':
      return `[bad opt] 0x${option.hex}`;
    default:
      return option.kind;
  }
}

/** A segment's TCP options in one line: `mss 1460,wscale 7`. */
export const optionsText = ({ options = [] }: SegmentRecord): string => options.map(optionText).join(',');

/** Tells asides of one kind apart. */
export const asideKey = (aside: AsideRecord): unknown =>
  aside.what === 'close' ? [aside.by, aside.andThen] : aside.what === 'forged' ? [aside.kinds, aside.count > 1] : [];

/** Why what the wire made is no segment, or what the kernel said of it. */
export const forgedWhy = ({ kinds: [{ why = '', errno } = {}] }: Extract<AsideRecord, { what: 'forged' }>): string =>
  errno === undefined ? why : `refused: ${errno}`;

/** A closing call by its name: `close(2)`, `destroy()`. */
export function callName({ by, andThen }: ClosingAside): string {
  if (by === 'close(2)') return by;
  return andThen === undefined ? `${by}()` : `${by} then ${andThen}()`;
}

/** What a segment of each purpose is called where several are counted. */
export const things: Readonly<Record<Purpose, string>> = {
  SYN: 'SYN',
  FIN: 'FIN',
  RST: 'RST',
  data: 'data segment',
  ACK: 'ACK',
};
