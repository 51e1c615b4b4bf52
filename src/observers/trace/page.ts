import { parseFields, TraceError } from './format.ts';

/** Where a sub-buffer has its parts, in bytes from its start. */
export interface PageLayout {
  readonly timestamp: number;
  readonly commit: number;
  readonly data: number;
}

/** `events/header_page` of 64-bit kernels. */
export const layout64: PageLayout = { timestamp: 0, commit: 8, data: 16 };

/** Parse `events/header_page`. Throws TraceError on a kernel of another word size. */
export function parseHeaderPage(text: string): PageLayout {
  const fields = parseFields(text);
  const [timestamp, commit, data] = ['timestamp', 'commit', 'data'].map((name) => fields.get(name));
  if (!timestamp || !commit || !data) throw new TraceError('header_page has no timestamp, commit or data');
  if (commit.size !== 8) throw new TraceError(`header_page has a commit of ${commit.size} bytes, not 8`);
  return { timestamp: timestamp.offset, commit: commit.offset, data: data.offset };
}

/** One event's bytes: `size` of them at `offset` in `data`. */
export interface RawRecord {
  /** Nanoseconds of the trace clock. */
  readonly t: bigint;
  readonly data: DataView;
  readonly offset: number;
  readonly size: number;
}

export interface Page {
  readonly records: readonly RawRecord[];
  /** Events lost before this page's first; `uncounted` where the kernel had no room to say how many. */
  readonly missed: number | 'uncounted';
  /** Why the rest of the page could not be read; records before it are good. */
  readonly damage?: string;
}

// include/linux/ring_buffer.h, kernel/trace/ring_buffer.c
const MISSED_EVENTS = 2 ** 31;
const MISSED_STORED = 2 ** 30;
const COMMIT_MASK = 2 ** 27 - 1;
const LARGE = 0;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;

/**
 * Decode one read(2) of `trace_pipe_raw`: a whole sub-buffer, of which the bytes after the committed ones are not specified.
 * Never throws: what cannot be read is said in `damage`.
 */
export function decodePage(bytes: Uint8Array, layout: PageLayout = layout64): Page {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.byteLength < layout.data) return { records: [], missed: 0, damage: 'shorter than its header' };
  // The flags sit in the low half; a kernel that adds (1 << 31) as an int sets the high half too.
  const word = data.getUint32(layout.commit, true);
  const committed = layout.data + (word & COMMIT_MASK);
  const missed = missedEvents(data, word, committed);
  const records: RawRecord[] = [];
  const end = Math.min(committed, data.byteLength);
  const damage = readRecords(data, layout, end, records) ?? (committed > end ? 'cut short' : undefined);
  return damage === undefined ? { records, missed } : { records, missed, damage };
}

function missedEvents(data: DataView, word: number, committed: number): number | 'uncounted' {
  if (word < MISSED_EVENTS) return 0;
  const stored = Math.floor(word / MISSED_STORED) % 2 === 1 && committed + 8 <= data.byteLength;
  return stored ? Number(data.getBigUint64(committed, true)) : 'uncounted';
}

/** Appends the records up to `end`; returns why it stopped earlier. */
function readRecords(data: DataView, layout: PageLayout, end: number, records: RawRecord[]): string | undefined {
  let stamp = data.getBigUint64(layout.timestamp, true);
  for (let at = layout.data; at < end; ) {
    if (at + 4 > end) return 'a record is cut off';
    const header = data.getUint32(at, true);
    const type = header & 31;
    const delta = header >>> 5;
    if (type === PADDING && delta === 0) return undefined;
    const word = type >= 1 && type < PADDING ? type * 4 : wordAt(data, at + 4, end);
    if (word === undefined) return 'a record is cut off';
    stamp = advance(stamp, type, delta, word);
    const next = at + (type >= TIME_EXTEND ? 8 : 4 + word);
    if (next > end || (type === LARGE && word < 4)) return 'a record is longer than its page';
    if (type < PADDING) {
      const offset = type === LARGE ? at + 8 : at + 4;
      records.push({ t: stamp, data, offset, size: next - offset });
    }
    at = next;
  }
  return undefined;
}

const wordAt = (data: DataView, at: number, end: number): number | undefined =>
  at + 4 <= end ? data.getUint32(at, true) : undefined;

/** The time after a record: 27 bits of delta, or 59 bits of delta or of absolute time. */
function advance(stamp: bigint, type: number, delta: number, word: number): bigint {
  if (type < TIME_EXTEND) return stamp + BigInt(delta);
  const wide = (BigInt(word) << 27n) | BigInt(delta);
  return type === TIME_STAMP ? absolute(wide, stamp) : stamp + wide;
}

/** An absolute time lacks its five highest bits: they are those of the time before (rb_fix_abs_ts). */
function absolute(low: bigint, before: bigint): bigint {
  const high = before & (0x1fn << 59n);
  if (high === 0n) return low;
  const whole = low | high;
  return whole < before ? whole + (1n << 59n) : whole;
}
