import { messageOf } from '../errors.ts';
import type { Deed } from '../record/deed.ts';
import type { MappingEvent, Ns } from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { flagBits } from '../tcp/flags.ts';
import { format, parse } from '../tcp/segment.ts';
import { type End, ends, otherEnd } from '../tcp/states.ts';
import type { Capture } from './capture.ts';
import { type Counts, makeCounts } from './counts.ts';
import type { Device } from './device.ts';
import { resetOf } from './forge.ts';
import type { History, Seen } from './history.ts';
import type { Telling, ToldPacket } from './protocol.ts';
import { sighting } from './report.ts';
import { deedText } from './say.ts';
import { type Decision, idle, noRules, type Order, step, type WireState } from './step.ts';
import type { Inward, Translation } from './translation.ts';
import type { Waiting, WaitingRoom } from './waiting.ts';

/** Packets of one end before the other has its turn, and of both before the process does anything else. */
const burst = 16;
const turnLimit = 256;
/** More than a device's queue has room for: src/lab/wire-link.ts. */
const drainTurns = 64;
/** As many as anyone asks about; the capture's memory has no more small ones. */
const ungivenLimit = 100_000;

export interface PumpOptions {
  readonly devices: Readonly<Record<End, Device>>;
  readonly capture: Capture;
  readonly history: History;
  readonly room: WaitingRoom;
  readonly now: () => Ns;
  /** Sets the time at which to call {@link Pump.timeout}; undefined: never. */
  readonly arm: (at: Ns | undefined) => void;
  readonly telling: Telling;
  /** With `all`: number of packets after which only notable ones are reported. */
  readonly tellAllUpTo: number;
  readonly tell: (events: readonly ToldPacket[]) => void;
}

const controls = flagBits.SYN | flagBits.FIN | flagBits.RST;

/** How the wire sends what is its own. */
interface Emitting {
  /** It is no matter whether the kernel takes it. */
  readonly mayBeRefused?: boolean;
  /** It is the first segment between its addresses, from which the history counts their numbers. */
  readonly begins?: boolean;
  /** What the other end gets instead: a translation's own answer. */
  readonly translated?: Uint8Array;
}

/** A packet that came to the wire. */
interface Come {
  readonly from: End;
  readonly bytes: Uint8Array;
  readonly t: Ns;
  readonly rule: number;
  readonly outside?: Address | undefined;
}

/** What a translation has no mapping for is dropped before any rule. */
const withoutMapping = (state: WireState): Decision => ({ state, deeds: [{ deed: 'drop', why: 'no mapping' }] });

/** What the wire itself sends. */
type Own = Extract<Deed, { do: 'copy' | 'replay' | 'forged' }>;

/** What the wire does with a packet that it keeps for now. */
const waitingDeed = ({ why, rule, behind }: Pick<Waiting, 'why' | 'rule' | 'behind'>) =>
  why === 'held'
    ? { do: 'held' as const, rule }
    : { do: 'delayed' as const, rule, ...(behind !== undefined && { behind }) };

/** Carries packets between two devices as the rules say: the only part of the wire that reads and writes. */
export class Pump {
  readonly #options: PumpOptions;
  readonly counts: Counts = makeCounts();
  /** Looks at every packet from the peers; more work for each while there is one. */
  readonly watchers = new Set<(seen: Seen) => void>();
  /** Between the wire and the server: rules, the history and the capture have the addresses of the inside. */
  translation: Translation | undefined;
  #state: WireState = noRules;
  /** No rule can act: packets are carried without being parsed. */
  #idle = true;
  #events: ToldPacket[] = [];
  #busySince: Ns | undefined;
  #telling: Telling;
  #told = 0;
  /** What the other end was not given, of the latest that it was not. */
  readonly #ungiven = new Map<number, Deed>();

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#telling = options.telling;
  }

  get state(): WireState {
    return this.#state;
  }
  set state(state: WireState) {
    this.#state = state;
    this.#idle = idle(state);
  }

  /** A device is readable: carry what waits, for a while. Whether more may wait. */
  turn(): boolean {
    const { now } = this.#options;
    this.#busySince ??= now();
    let left = turnLimit;
    for (let more = true; more && left > 0; left -= 2 * burst) {
      const client = this.#some('client');
      more = this.#some('server') || client;
    }
    if (left > 0) {
      this.counts.longestBacklog = Math.max(this.counts.longestBacklog, now() - this.#busySince);
      this.#busySince = undefined;
    }
    this.tellAll();
    return left <= 0;
  }

  /** Carry all that the ends have sent so far. */
  drain(): void {
    for (let turns = 0; turns < drainTurns && this.turn(); turns++);
  }

  /** Carry a burst of one end; whether it stopped before the device was empty. */
  #some(end: End): boolean {
    for (let count = 0; count < burst; count++) if (!this.#one(end)) return false;
    return true;
  }

  #one(end: End): boolean {
    const { devices, capture, history, room, now } = this.#options;
    const place = capture.room();
    const length = devices[end].read(place);
    if (length < 0) return false;
    const t = now();
    const way = this.#wayThrough(end, place.subarray(0, length), t);
    const plain =
      !this.translation && this.#idle && this.watchers.size === 0 && room.overtaken === 0 && this.#telling !== 'all';
    if (plain && history.glance(end, place, length)) {
      const refused = devices[otherEnd(end)].write(place.subarray(0, length));
      if (refused === undefined) {
        this.counts.carry(end, length);
        capture.keep(length, t, end);
      } else capture.keepAs(length, t, end, deedText(this.#refused(refused)));
      return true;
    }
    this.#consider(end, place.subarray(0, length), t, way);
    return true;
  }

  /** What the translation makes of a packet; of a client's, which it translates when it is carried, whether it can be. */
  #wayThrough(from: End, bytes: Uint8Array, t: Ns): Inward | undefined {
    if (from === 'server') return this.translation?.inward(bytes, t);
    return this.translation && { unmapped: !this.translation.hasRoom(bytes, t) };
  }

  /** What a packet is, what the rules say, and that. A fault of ours is counted, and the packet carried. */
  #consider(from: End, bytes: Uint8Array, t: Ns, { unmapped = false, outside }: Partial<Inward> = {}): void {
    const { capture, history } = this.#options;
    let seen: Seen | undefined;
    let decision: ReturnType<typeof step> = { state: this.#state, deeds: [{ deed: 'carry' }] };
    try {
      const packet = parse(bytes);
      if (packet.kind === 'other') this.counts.other(packet.why);
      seen = history.see(capture.latest + 1, t, from, bytes.length, packet);
      decision = unmapped ? withoutMapping(this.#state) : step(this.#state, seen, t);
      for (const watch of this.watchers) watch(seen);
    } catch (error) {
      this.counts.fault(messageOf(error));
    }
    this.state = decision.state;
    const [first, ...copies] = decision.deeds;
    // kept before the capture uses its memory for the next
    const copied = copies.length > 0 ? Uint8Array.from(bytes) : bytes;
    const { n, deed } = this.#do(first, { from, bytes, t, rule: decision.rule ?? 0, outside });
    for (const copy of copies) {
      if (copy.deed !== 'copy') continue;
      this.#wait({ n, from, bytes: copied, since: t, rule: decision.rule ?? 0, why: 'copy', due: copy.at });
    }
    if (seen) {
      if (this.#isTold(seen, unmapped || decision.rule !== undefined)) {
        this.#events.push({ ...sighting(seen), source: 'wire', kind: 'segment', deed });
      }
    }
    if (unmapped && seen && outside) this.#answerUnmapped(n, seen, outside);
    if (first.deed === 'carry') this.#overtook(from);
    if (copies.length > 0) this.timeout();
  }

  #isTold({ packet }: Seen, isDecided: boolean): boolean {
    if (this.#telling === 'all' && this.#told++ >= this.#options.tellAllUpTo) this.#telling = 'notable';
    if (this.#telling !== 'notable') return this.#telling === 'all';
    return isDecided || (packet.kind === 'tcp' && (packet.flags & controls) !== 0);
  }

  /** A peer's packet that the kernel did not take. */
  #refused(errno: string): Deed {
    this.counts.refuse(errno, 'peer');
    return { do: 'refused', refusedBy: 'kernel', errno };
  }

  /** Carry out the first order for a packet that lies in the capture's room. */
  #do(order: Order, { from, bytes, t, rule, outside }: Come): { n: number; deed: Deed } {
    const { capture } = this.#options;
    const length = bytes.length;
    const as = (deed: Deed) => {
      const n = capture.keepAs(length, t, from, deedText(deed));
      if (deed.do !== 'carried') this.#notGiven(n, deed);
      return { n, deed };
    };
    switch (order.deed) {
      case 'drop':
        this.counts.dropped++;
        return as(order.why === 'no mapping' ? { do: order.why } : { do: order.why, rule });
      case 'hold':
        return this.#keep('held', { from, bytes, since: t, rule });
      case 'wait':
        return this.#keep('delayed', { from, bytes, since: t, rule, due: order.until });
      case 'behind':
        return this.#keep('overtaken', { from, bytes, since: t, rule, due: order.until, behind: order.count });
      default: {
        const given = this.#give(otherEnd(from), bytes, t);
        if (given.errno !== undefined) return as(this.#refused(given.errno));
        this.counts.carry(from, length);
        const translated = given.outside ?? outside;
        return as({ do: 'carried', ...(translated && { translated }) });
      }
    }
  }

  #keep(why: Exclude<Waiting['why'], 'copy'>, what: Omit<Waiting, 'n' | 'why' | 'pending'>): { n: number; deed: Deed } {
    const bytes = Uint8Array.from(what.bytes);
    const deed = waitingDeed({ ...what, why });
    const pending = this.#options.capture.keepPending(bytes.length, what.since, what.from, deedText(deed));
    this.#notGiven(pending.n, deed);
    this.#wait({ ...what, bytes, why, n: pending.n, pending });
    return { n: pending.n, deed };
  }

  #wait(waiting: Waiting): void {
    this.#options.room.add(waiting);
    if (waiting.due !== undefined) this.#options.arm(this.#options.room.nextDue);
  }

  /** A packet was carried: others may have waited for it. */
  #overtook(from: End): void {
    const { room } = this.#options;
    if (room.overtaken > 0) for (const waiting of room.passed(from)) this.#go(waiting);
  }

  /** Send on what the wire kept. */
  #go(waiting: Waiting): void {
    const { capture, now } = this.#options;
    const { n, from, bytes, since, pending, rule } = waiting;
    const t = now();
    if (!pending) {
      this.emit(from, bytes, { do: 'copy', of: n, rule });
      return;
    }
    const { errno } = this.#give(otherEnd(from), bytes, t);
    if (errno === undefined) this.counts.carry(from, bytes.length);
    else this.counts.refuse(errno, 'peer');
    const refused = errno === undefined ? {} : { refusedBy: 'kernel' as const, errno };
    const deed: Deed = { ...waitingDeed(waiting), heldNs: t - since, ...refused };
    if (errno === undefined) this.#ungiven.delete(n);
    else this.#notGiven(n, deed);
    capture.amend(pending, deedText(deed));
    if (this.#telling !== 'none') this.#events.push({ t, source: 'wire', kind: 'deed', n, deed });
  }

  /** Give an end a packet, as it knows the other end where the wire translates. */
  #give(to: End, bytes: Uint8Array, t: Ns): { readonly errno: string | undefined; readonly outside?: Address } {
    const device = this.#options.devices[to];
    if (to === 'client' || !this.translation) return { errno: device.write(bytes) };
    const { bytes: translated, outside } = this.translation.outward(bytes, t);
    return { errno: device.write(translated), ...(outside && { outside }) };
  }

  /** Answer what came from outside for nobody with a RST, where the translation does. */
  #answerUnmapped(n: number, { packet, from }: Seen, outside: Address): void {
    if (this.translation?.afterwards !== 'reset' || packet.kind !== 'tcp' || packet.flags & flagBits.RST) return;
    const reset = resetOf(packet);
    const translated = format({ ...reset, source: outside });
    this.emit(otherEnd(from), format(reset), { do: 'forged', as: 'reset', of: n }, { translated });
  }

  /** Reports an event that is no packet. */
  note(event: MappingEvent): void {
    if (this.#telling !== 'none') this.#events.push(event);
  }

  /** Handles what is due now. */
  timeout(): void {
    const { room, now, arm } = this.#options;
    const t = now();
    for (const waiting of room.due(t)) {
      // one that waits to be overtaken may go early: its time is the limit
      if (waiting.why !== 'overtaken') this.counts.late(t - (waiting.due ?? t));
      this.#go(waiting);
      this.#overtook(waiting.from);
    }
    arm(room.nextDue);
    this.tellAll();
  }

  /** Carry what is held. */
  release(released: readonly Waiting[]): void {
    for (const waiting of released) {
      this.#go(waiting);
      this.#overtook(waiting.from);
    }
    this.tellAll();
  }

  /** Drop what was held. */
  discard(discarded: readonly Waiting[]): void {
    const { capture, now } = this.#options;
    for (const { n, since, pending, rule } of discarded) {
      const t = now();
      const deed: Deed = { do: 'held', rule, heldNs: t - since, discarded: true };
      this.counts.dropped++;
      if (pending) {
        this.#notGiven(n, deed);
        capture.amend(pending, deedText(deed));
      }
      if (this.#telling !== 'none') this.#events.push({ t, source: 'wire', kind: 'deed', n, deed });
    }
    this.tellAll();
  }

  /**
   * Send bytes to the other end as if they came from this one; no rule sees them. Returns their number.
   */
  emit(from: End, bytes: Uint8Array, deed: Own, options: Emitting = {}): number {
    const { mayBeRefused = false, begins = false, translated } = options;
    const { devices, capture, history, now } = this.#options;
    const t = now();
    const to = otherEnd(from);
    const errno = translated ? devices[to].write(translated) : this.#give(to, bytes, t).errno;
    this.counts.emitted++;
    if (errno !== undefined) this.counts.refuse(errno, mayBeRefused ? 'expected' : 'own');
    const done: Deed = errno === undefined ? deed : { ...deed, refusedBy: 'kernel', errno };
    const n = capture.emit(bytes, t, from, deedText(done));
    const packet = parse(bytes);
    if (packet.kind === 'other') this.counts.other(packet.why, 'own');
    const seen = history[begins ? 'see' : 'describe'](n, t, from, bytes.length, packet);
    if (this.#telling !== 'none') {
      this.#events.push({ ...sighting(seen), source: 'wire', kind: 'segment', deed: done });
    }
    return n;
  }

  /** Reports the events so far and the number of packets, by which a reader finds the packets that the record lacks. */
  tellCount(): void {
    const { now, capture } = this.#options;
    if (this.#telling !== 'none')
      this.#events.push({ t: now(), source: 'wire', kind: 'packets', count: capture.latest });
    this.tellAll();
  }

  /** Reports the events so far. */
  tellAll(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#options.tell(events);
  }

  /** What became of a packet that the other end has not been given; undefined where it has, or memory has it no more. */
  ungiven(n: number): Deed | undefined {
    return this.#ungiven.get(n);
  }

  #notGiven(n: number, deed: Deed): void {
    this.#ungiven.set(n, deed);
    if (this.#ungiven.size > ungivenLimit) this.#ungiven.delete(this.#ungiven.keys().next().value as number);
  }

  get deviceErrors(): string[] {
    return ends.flatMap((end) => this.#options.devices[end].error ?? []);
  }
}
