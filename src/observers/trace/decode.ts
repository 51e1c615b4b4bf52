import type { MiniTimerEvent, SegmentEvent, TransitionEvent } from '../../record/event.ts';
import { type State, stateNumbered } from '../../tcp/states.ts';
import { type EventFormat, end, fieldOf, integer, ipVersion, long, pointer, type Read, TraceError } from './format.ts';
import type { RawRecord } from './page.ts';

/** Event of a trace instance. */
export type TraceEvent = TransitionEvent | SegmentEvent | MiniTimerEvent;

/**
 * Turns a record into an event; undefined where it is none: an event of no known format, a socket of another protocol.
 * Throws TraceError if the record is shorter than its event.
 */
export type Decode = (record: RawRecord, cpu: number) => TraceEvent | undefined;

type Make = (data: DataView, at: number, t: number, cpu: number) => TraceEvent | undefined;

/**
 * A decoder of the events whose formats are given; formats of other events are ignored. `origin` is the run's, on the
 * trace clock. Throws TraceError if this kernel's event lacks a field that the decoding needs.
 */
export function decoder(formats: readonly EventFormat[], { origin }: { readonly origin: bigint }): Decode {
  const known = new Map<number, { make: Make; format: EventFormat }>();
  for (const format of formats) {
    const make = makers[format.name]?.(format);
    if (make) known.set(format.id, { make, format });
  }
  const [first] = known.values();
  if (!first) return () => undefined;
  const { offset, size } = fieldOf(first.format, 'common_type');
  return ({ t, data, offset: at, size: length }, cpu) => {
    if (length < offset + size) throw new TraceError(`a record of ${length} bytes has no type`);
    const found = known.get(data.getUint16(at + offset, true));
    if (!found) return undefined;
    if (length < found.format.size) throw new TraceError(`a record of ${found.format.name} has only ${length} bytes`);
    return found.make(data, at, Number(t - origin), cpu);
  };
}

/** Events by the name in their format. */
const makers: Readonly<Record<string, (format: EventFormat) => Make>> = {
  inet_sock_set_state: transition,
  tcp_send_reset: (format) => segment(format, 'reset-sent'),
  tcp_receive_reset: (format) => segment(format, 'reset-received'),
  tcp_retransmit_skb: (format) => segment(format, 'retransmit'),
  tcp_retransmit_synack: (format) => segment(format, 'retransmit'),
  timer_start: (format) => miniTimer(format, 'mini-timer-start'),
  timer_expire_entry: (format) => miniTimer(format, 'mini-timer-expire'),
};

const IPPROTO_TCP = 6;

function transition(format: EventFormat): Make {
  const protocol = integer(format, 'protocol');
  const family = integer(format, 'family');
  const oldState = integer(format, 'oldstate');
  const newState = integer(format, 'newstate');
  const socket = pointer(format, 'skaddr');
  const local = end(format, 's');
  const remote = end(format, 'd');
  return (data, at, t, cpu) => {
    const version = ipVersion(family(data, at));
    if (protocol(data, at) !== IPPROTO_TCP || !version) return undefined;
    return {
      t,
      source: 'trace',
      kind: 'transition',
      cpu,
      family: version,
      socket: socket(data, at),
      local: local(data, at),
      remote: remote(data, at),
      from: stateOf(oldState(data, at)),
      to: stateOf(newState(data, at)),
    };
  };
}

function stateOf(value: number): State {
  const state = stateNumbered(value);
  if (!state) throw new TraceError(`${value} is not a TCP state`);
  return state;
}

/** `socket` is '' for a SYN-ACK sent again: its event names the listener, and a request is no full socket. */
function segment(format: EventFormat, kind: SegmentEvent['kind']): Make {
  const socket = format.name === 'tcp_retransmit_synack' ? () => '' : pointer(format, 'skaddr');
  const local = end(format, 's');
  const remote = end(format, 'd');
  const reason = format.fields.has('reason') ? reasonOf(format) : undefined;
  return (data, at, t, cpu) => ({
    t,
    source: 'trace',
    kind,
    cpu,
    socket: socket(data, at),
    local: local(data, at),
    remote: remote(data, at),
    ...(reason && { reason: reason(data, at) }),
  });
}

/** The name that this kernel gives the reason; its numbers differ between kernels. */
function reasonOf(format: EventFormat): Read<string> {
  const number = integer(format, 'reason');
  const names = format.symbols.get('reason');
  return (data, at) => {
    const reason = number(data, at);
    return names?.get(reason) ?? String(reason);
  };
}

function miniTimer(format: EventFormat, kind: MiniTimerEvent['kind']): Make {
  const timer = pointer(format, 'timer');
  if (kind === 'mini-timer-expire') {
    return (data, at, t, cpu) => ({ t, source: 'trace', kind, cpu, timer: timer(data, at) });
  }
  const expires = long(format, 'expires');
  const now = long(format, 'now');
  return (data, at, t, cpu) => {
    const jiffies = Number(BigInt.asIntN(64, expires(data, at) - now(data, at)));
    return { t, source: 'trace', kind, cpu, timer: timer(data, at), jiffies };
  };
}
