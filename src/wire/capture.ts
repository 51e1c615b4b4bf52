import type { Ns } from '../record/event.ts';
import type { CaptureCount } from '../record/wire-statistics.ts';
import type { End } from '../tcp/states.ts';
import { type CaptureFile, noFile, openCaptureFile } from './capture-file.ts';
import {
  type CapturedPacket,
  commentAt,
  commentOption,
  optionsAt,
  packetAround,
  packetAt,
  packetHead,
  packetOptions,
  type Sender,
} from './pcapng.ts';
import { shorten, wholeUpTo } from './shorten.ts';

/** The largest packet that IPv4 and a TUN device know. */
export const largestPacket = 65_535;
/** Room for a comment that is written when it is known what became of a packet; a multiple of 4. */
const pendingRoom = 64;
/** Behind a packet in its block: padding, comment, its end. */
const tailRoom = 128;

/** The file speaks from the client's side: what comes from the client goes out. */
const senderOf = (from: End, emitted: boolean): Sender => ({
  direction: from === 'client' ? 'outbound' : 'inbound',
  emitted,
});

export interface CaptureOptions {
  /** Written as pcapng; absent: kept in memory only. */
  readonly file?: string;
  /** Wall time at t = 0, in ns. */
  readonly wallNs: bigint;
  /** Bytes kept of a packet. */
  readonly snap: number;
  /** Beyond a file of so many bytes, only headers are kept. */
  readonly limit: number;
  /** Bytes of file beyond which payload of what was carried, and nothing more, is cut in the file. Default {@link wholeUpTo}. */
  readonly wholeUpTo?: number;
  /** Memory in which the latest packets stay, to be replayed: so many chunks of so many bytes. */
  readonly chunks?: number;
  readonly chunkBytes?: number;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Number of its first packet. */
  first: number;
  used: number;
  /** Bytes of the chunk that are in the file. */
  flushed: number;
  /** Comments to be replaced of packets that the file does not have yet, by where their blocks begin. */
  readonly pending: Map<number, Place>;
  /** Distinguishes the chunk from earlier contents of its memory. */
  serial: number;
}

interface Place {
  readonly n: number;
  readonly chunk: number;
  readonly at: number;
  /** Known when the file has it. */
  fileAt: number | undefined;
}
/** Where the comment of a packet is that waits. */
export type Pending = Readonly<Place>;

/** A packet of the capture as memory has it. */
export interface Entry {
  readonly n: number;
  readonly t: Ns;
  readonly from: End;
  /** The wire's own: a copy, a replay, a forgery. */
  readonly emitted: boolean;
  readonly packet: CapturedPacket;
}

const headersOnly = 128;

/**
 * Everything that passed, numbered from 1 as its frame in the file. A packet is read into the memory in which its block is
 * made, and written to the file when that chunk is full: nothing is copied on the way.
 */
export class Capture {
  readonly #options: CaptureOptions;
  readonly #chunkBytes: number;
  readonly #file: CaptureFile;
  readonly #chunks: Chunk[] = [];
  readonly #wall: { readonly high: number; readonly low: number };
  readonly #carried = {
    client: packetOptions(senderOf('client', false), 'carried'),
    server: packetOptions(senderOf('server', false), 'carried'),
  };
  #count = 0;
  #cut = 0;
  #shortened = 0;
  /** Where a chunk is made as the file has it. */
  #copy: Buffer | undefined;
  #serial = 0;
  #chunk: Chunk;

  /** Throws where the file cannot be made. */
  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#chunkBytes = options.chunkBytes ?? 2 ** 20;
    this.#wall = { high: Number(options.wallNs >> 32n), low: Number(options.wallNs & 0xffffffffn) };
    this.#file = options.file === undefined ? noFile : openCaptureFile(options.file, options.wallNs, options.snap);
    this.#chunk = this.#begin();
  }

  /** The number of the latest packet. */
  get latest(): number {
    return this.#count;
  }

  #begin(): Chunk {
    const recycled = this.#chunks.length >= (this.#options.chunks ?? 64) ? this.#chunks.shift() : undefined;
    const bytes = recycled?.bytes ?? Buffer.allocUnsafeSlow(this.#chunkBytes);
    const chunk: Chunk = {
      bytes,
      view: recycled?.view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      first: this.#count + 1,
      used: 0,
      flushed: 0,
      pending: new Map(),
      serial: ++this.#serial,
    };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Where the next packet is to be read to. */
  room(): Uint8Array {
    if (this.#chunk.used + packetHead + largestPacket + tailRoom > this.#chunkBytes) {
      this.flush();
      this.#chunk = this.#begin();
    }
    const from = this.#chunk.used + packetHead;
    return this.#chunk.bytes.subarray(from, from + largestPacket);
  }

  /** Keep the packet that lies in the room, as carried. Returns its number. */
  keep(length: number, t: Ns, from: End): number {
    this.#keep(length, t, this.#carried[from]);
    return this.#count;
  }

  /** Keep it with what the wire did to it. */
  keepAs(length: number, t: Ns, from: End, deed: string): number {
    this.#keep(length, t, packetOptions(senderOf(from, false), deed));
    return this.#count;
  }

  /** Keep it with a comment that is replaced when it is known what became of it. */
  keepPending(length: number, t: Ns, from: End, deed: string): Pending {
    const chunk = this.#chunk;
    const at = chunk.used;
    const captured = this.#keep(length, t, packetOptions(senderOf(from, false), deed, pendingRoom));
    const comment = optionsAt(at, captured) + commentAt;
    const place: Place = { n: this.#count, chunk: chunk.serial, at: comment, fileAt: undefined };
    chunk.pending.set(at, place);
    return place;
  }

  /** Keep a packet that the wire emits in the place of an end. */
  emit(bytes: Uint8Array, t: Ns, from: End, deed: string): number {
    this.room().set(bytes);
    this.#keep(bytes.length, t, packetOptions(senderOf(from, true), deed));
    return this.#count;
  }

  #keep(length: number, t: Ns, options: Uint8Array): number {
    const chunk = this.#chunk;
    const snap = this.#file.end > this.#options.limit ? headersOnly : this.#options.snap;
    const captured = Math.min(length, snap);
    const low = this.#wall.low + (t % 2 ** 32);
    const place = {
      high: this.#wall.high + Math.floor(t / 2 ** 32) + (low >= 2 ** 32 ? 1 : 0),
      low: low >>> 0,
      captured,
      original: length,
    };
    chunk.used = packetAround(chunk.view, chunk.used, place, options);
    this.#count++;
    if (captured < length) this.#cut++;
    return captured;
  }

  /** Say what became of a packet that waited. */
  amend(pending: Pending, deed: string): void {
    const option = commentOption(deed, pendingRoom);
    this.#chunks.find(({ serial }) => serial === pending.chunk)?.bytes.set(option, pending.at);
    if (pending.fileAt !== undefined) this.#file.write(option, pending.fileAt);
  }

  /** Everything kept so far is in the file. */
  flush(): void {
    const chunk = this.#chunk;
    const begins = this.#file.end;
    const whole = begins + chunk.used - chunk.flushed <= (this.#options.wholeUpTo ?? wholeUpTo);
    const bytes = whole ? this.#whole(chunk, begins) : this.#shorter(chunk, begins);
    this.#file.write(bytes, begins);
    chunk.flushed = chunk.used;
    chunk.pending.clear();
  }

  #whole({ bytes, flushed, used, pending }: Chunk, begins: number): Uint8Array {
    for (const place of pending.values()) place.fileAt = begins + place.at - flushed;
    return bytes.subarray(flushed, used);
  }

  #shorter({ bytes, flushed, used, pending }: Chunk, begins: number): Uint8Array {
    this.#copy ??= Buffer.allocUnsafeSlow(this.#chunkBytes);
    const copy = this.#copy;
    const { client, server } = this.#carried;
    const isCarried = (options: Buffer) => options.equals(client) || options.equals(server);
    const moved = (at: number, to: number) => {
      const place = pending.get(at);
      if (place) place.fileAt = begins + to + place.at - at;
    };
    const { length, cut } = shorten({ bytes, from: flushed, to: used, isCarried, moved }, copy);
    this.#shortened += cut;
    return copy.subarray(0, length);
  }

  /** Packets that memory still has, from a number on. */
  *entries(from = 1): Generator<Entry, void, undefined> {
    for (const [index, chunk] of this.#chunks.entries()) {
      const behind = this.#chunks[index + 1]?.first ?? this.#count + 1;
      if (behind > from) yield* this.#entriesOf(chunk, from);
    }
  }

  *#entriesOf(chunk: Chunk, from: number): Generator<Entry, void, undefined> {
    const bytes = chunk.bytes.subarray(0, chunk.used);
    let n = chunk.first;
    for (let read = packetAt(bytes, 0); read; read = packetAt(bytes, read.next)) {
      const { packet } = read;
      const t = Number(packet.wallNs - this.#options.wallNs);
      const end = packet.direction === 'outbound' ? 'client' : 'server';
      if (n >= from) yield { n, t, from: end, emitted: packet.emitted, packet };
      n++;
    }
  }

  /** A packet by its number; undefined where there is none, or memory has it no more. */
  find(n: number): Entry | undefined {
    const entry = this.entries(n).next().value ?? undefined;
    return entry?.n === n ? entry : undefined;
  }

  get count(): CaptureCount {
    return {
      packets: this.#count,
      cut: this.#cut,
      shortened: this.#shortened,
      fileBytes: this.#file.end,
      ...(this.#file.error !== undefined && { fileError: this.#file.error }),
    };
  }

  close(): void {
    this.flush();
    this.#file.close();
  }
}
