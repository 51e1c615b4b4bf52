import { z } from 'zod';
import type { Address } from '../tcp/address.ts';
import { type Flag, flagNames } from '../tcp/flags.ts';
import type { TcpOption } from '../tcp/header-options.ts';
import type { Queues } from '../tcp/info.ts';
import { optionLevels, type PortRange, type StructLinger } from '../tcp/socket-options.ts';
import { ends, states } from '../tcp/states.ts';
import { deed } from './deed.ts';

/** Nanoseconds of CLOCK_MONOTONIC since the run's origin: a safe integer for the first 104 days of a run. */
export type Ns = number;
const ns = z.number();
const count = z.number().int();

/** What samples are taken with. */
export const samplerNames = ['ss', 'netlink'] as const;
const samplerName = z.enum(samplerNames);
export type SamplerName = z.infer<typeof samplerName>;

const state = z.enum(states);
const end = z.enum(ends);
const family = z.union([z.literal(4), z.literal(6)]);
const address = z.object({ address: z.string(), port: count }).readonly() satisfies z.ZodType<Address>;
const shape = <S extends z.ZodRawShape>(fields: S) => z.object(fields).readonly();

const ssSocket = shape({
  state,
  recvQ: count,
  sendQ: count,
  local: address,
  remote: address,
  /** 4 or 6 as the socket's own family: 6 with an IPv4-mapped address, too. */
  family,
  timer: shape({ name: z.string(), ms: z.number(), retransmits: count }).exactOptional(),
  inode: count.exactOptional(),
  /** `sk:` of `ss -e`, hexadecimal. */
  cookie: z.string().exactOptional(),
});
/** One line of `ss`. */
export type SsSocket = z.infer<typeof ssSocket>;

const flow = {
  /** The kernel's socket address, or '' where the kernel gives none: reused only after CLOSED. */
  socket: z.string(),
  local: address,
  remote: address,
};

const transition = shape({
  t: ns,
  source: z.literal('trace'),
  kind: z.literal('transition'),
  cpu: count,
  family,
  ...flow,
  from: state,
  to: state,
  /** Of a socket that may have left a mini-socket: its CPU stood still, so that the trace does not show whether it has. */
  handOver: z.literal('unclear').exactOptional(),
});
/** A transition of a full socket, from `sock:inet_sock_set_state`. */
export type TransitionEvent = z.infer<typeof transition>;

const segmentEvent = shape({
  t: ns,
  source: z.literal('trace'),
  kind: z.enum(['reset-sent', 'reset-received', 'retransmit']),
  cpu: count,
  ...flow,
  /** Why, where this kernel says so. */
  reason: z.string().exactOptional(),
});
/** A segment event from `tcp:tcp_send_reset`, `tcp_receive_reset`, `tcp_retransmit_skb`, `tcp_retransmit_synack`. */
export type SegmentEvent = z.infer<typeof segmentEvent>;

const miniTimer = {
  timer: z.string(),
  /** `expires - now` in jiffies, on start. */
  jiffies: count.exactOptional(),
};
const miniTimerEvent = shape({
  t: ns,
  source: z.literal('trace'),
  kind: z.enum(['mini-timer-start', 'mini-timer-expire']),
  cpu: count,
  ...miniTimer,
});
/** A mini-socket's timer, from `timer:timer_start` (again: a restart) and `timer_expire_entry`. */
export type MiniTimerEvent = z.infer<typeof miniTimerEvent>;

const miniSocket = shape({
  t: ns,
  source: z.literal('trace'),
  kind: z.literal('mini-socket'),
  cpu: count,
  ...flow,
  ...miniTimer,
});
/** A full socket left a mini-socket behind: its timer started on the CPU that closed the full socket, just before. */
export type MiniSocketEvent = z.infer<typeof miniSocket>;

const lost = shape({
  t: ns,
  source: z.literal('trace'),
  kind: z.literal('lost'),
  cpu: count,
  /** How many, or 0 where the kernel does not say. */
  count,
});
/** The kernel dropped trace events of one CPU before they were read: no chain of that time is proof of anything. */
export type LostEvent = z.infer<typeof lost>;

const sample = shape({
  t: ns,
  /** `ss`, or the kernel itself by sock_diag(7). */
  source: samplerName,
  /** So many TIME-WAITs were counted by sockstat, and not looked at: there were too many. */
  leftOut: count.exactOptional(),
  /** So many lines were not understood: that a socket is not among `sockets` does not mean that there was none. */
  unread: count.exactOptional(),
  /** The look took so much CPU that the next one is not due for so many ms. */
  restMs: z.number().exactOptional(),
  kind: z.literal('sample'),
  space: z.string(),
  until: ns,
  sockets: z.array(ssSocket).readonly(),
});
/** One `ss` of one namespace: between `t` and `until`. */
export type SampleEvent = z.infer<typeof sample>;

const counters = shape({
  t: ns,
  source: z.literal('counters'),
  kind: z.literal('counters'),
  space: z.string(),
  values: z.record(z.string(), z.number()).readonly(),
});
/** A namespace's Tcp and TcpExt counters: `Tcp.ActiveOpens`. */
export type CountersEvent = z.infer<typeof counters>;

const refusal = { errno: z.string().exactOptional(), syscall: z.string().exactOptional() };

const node = shape({
  t: ns,
  source: z.literal('peer'),
  kind: z.literal('node'),
  peer: z.string(),
  endpoint: count,
  event: z.string(),
  bytes: count.exactOptional(),
  hadError: z.boolean().exactOptional(),
  ...refusal,
});
/** An event that Node emitted on a peer's socket. */
export type NodeEvent = z.infer<typeof node>;

/** What a call was given, where version 1 did not record it. */
const since2 = <S extends z.ZodType>(schema: S) => schema.exactOptional();
const structLinger = shape({ l_onoff: count, l_linger: count }) satisfies z.ZodType<StructLinger>;
const portRange = shape({ low: count, high: count }) satisfies z.ZodType<PortRange>;
/** What a socket option is set to, and what the kernel keeps of it. */
export const optionValue = z.union([z.number(), z.boolean(), z.string(), structLinger, portRange]);
export type OptionValue = z.infer<typeof optionValue>;

const reuse = z.enum(['none', 'addr', 'port', 'both']);
const listening = { backlog: count.exactOptional(), allowHalfOpen: since2(z.boolean()) };
const connecting = {
  to: since2(address),
  localPort: count.exactOptional(),
  localAddress: z.string().exactOptional(),
  allowHalfOpen: since2(z.boolean()),
};
const netsWay = z.enum(['end', 'destroy', 'resetAndDestroy']);
const closing = {
  sending: count.exactOptional().describe('bytes written in the same turn of the event loop, just before'),
  atNs: ns.exactOptional().describe('the common moment at which it was to be'),
  andThen: netsWay.exactOptional().describe('a second way of closing in the same turn'),
};
/** Ways to close an endpoint. */
export const closeBy = z.enum([...netsWay.options, 'close(2)']);

const called = {
  t: ns,
  source: z.literal('peer'),
  kind: z.literal('call'),
  peer: z.string(),
  endpoint: count.exactOptional(),
  /** Of a raw socket: the same through each of its descriptors. */
  socket: count.exactOptional().describe('a raw socket, which net does not know, by its number'),
  ns,
  ...refusal,
};
/** A step and what each is given. */
const step = <V extends string, S extends z.ZodRawShape>(verb: V, given: S) =>
  shape({ ...called, verb: z.literal(verb), ...given });
const wait = z.boolean().describe('as on a blocking socket');
const pollEvents = z.array(z.string()).readonly();
/** Calls on raw sockets: what each was given, and what the kernel answered. */
const rawSteps = [
  step('raw', {}),
  step('socket(2)', { family }),
  step('bind(2)', { address: z.string(), port: count, at: address.exactOptional() }),
  step('listen(2)', { backlog: count, at: address.exactOptional() }),
  step('connect(2)', {
    to: address,
    wait,
    inProgress: z.boolean().exactOptional().describe('EINPROGRESS: its SYN was sent'),
  }),
  step('accept(2)', {
    wait,
    from: address.exactOptional(),
    accepted: count.exactOptional().describe('the endpoint that it gave'),
  }),
  step('read(2)', { asked: count, wait, got: count.exactOptional().describe('bytes; 0 is the end of the stream') }),
  step('write(2)', {
    asked: count,
    fill: z.string().exactOptional(),
    wait,
    wrote: count.exactOptional().describe('bytes that the kernel took'),
  }),
  step('poll(2)', { for: pollEvents, within: z.number(), events: pollEvents.exactOptional() }),
  step('shutdown(2)', { how: z.enum(['RD', 'WR', 'RDWR']) }),
  step('disconnect', {}),
  step('dup(2)', {}),
  step('dup2(2)', {}),
  step('getpeername(2)', { at: address.exactOptional() }),
  step('getsockname(2)', { at: address.exactOptional() }),
  step('close(2)', {}),
] as const;
const numbered = {
  level: z.union([z.enum(optionLevels), count]),
  name: count.describe('of the option, by its number'),
  length: count.exactOptional().describe('optlen of the call, where it is not that of the value'),
};
const setAt = shape({ local: address, remote: address.exactOptional() })
  .exactOptional()
  .describe('of a socket that is no endpoint: where it is bound, and connected');
const call = z.discriminatedUnion('verb', [
  step('listen', {
    address: since2(z.string()),
    port: since2(count),
    reuse: reuse.exactOptional(),
    noPort: z.boolean().exactOptional(),
    ipv6Only: z.boolean().exactOptional(),
    ...listening,
  }),
  step('bind', {
    address: since2(z.string()),
    port: since2(count),
    reuse: since2(reuse),
    noPort: since2(z.boolean()),
    ipv6Only: z.boolean().exactOptional(),
  }),
  step('listenBound', { bound: since2(count), ...listening }),
  step('queue', { bound: since2(count), backlog: count.exactOptional() }),
  step('serve', { handed: since2(count), ...listening }),
  step('unbind', { bound: since2(count) }),
  step('unlisten', { listener: since2(count) }),
  step('knock', { to: since2(address) }),
  step('connect', connecting),
  step('open', connecting),
  step('become', { uid: since2(count) }),
  step('openMailbox', {}),
  step('handOver', {}),
  step('takeOver', {}),
  step('set', {
    option: since2(z.string()),
    value: since2(optionValue),
    length: count.exactOptional().describe("setsockopt(2)'s optlen, where it is not the value's own size"),
    kept: optionValue.exactOptional().describe('what getsockopt(2) gives right afterwards'),
    at: setAt,
  }),
  step('setNumbered', {
    ...numbered,
    hex: z.string().describe('the bytes of the value'),
    kept: z
      .string()
      .exactOptional()
      .describe('what getsockopt(2) gives right afterwards, likewise; absent where it refuses'),
    at: setAt,
  }),
  step('get', { option: since2(z.string()) }),
  step('getNumbered', numbered),
  step('linger', {}),
  step('error', { pending: z.string().exactOptional().describe('the errno that it took, or none') }),
  step('write', { bytes: count, fill: z.string().exactOptional() }),
  step('pause', {}),
  step('stopReading', {}),
  step('resume', {}),
  step('close', { by: closeBy, ...closing }),
  step('shutdown', { how: since2(z.enum(['RD', 'WR', 'RDWR'])), ...closing }),
  step('dup', {}),
  step('closeDuplicate', { thread: since2(z.enum(['main', 'pool'])) }),
  ...rawSteps,
  step('survive', { signal: since2(z.string()) }),
  step('end', { way: since2(z.string()) }),
  step('exec', {
    command: z.string(),
    args: z.array(z.string()).readonly(),
    env: z.record(z.string(), z.string()).readonly().exactOptional().describe("beside the peer's own variables"),
  }),
  step('programWrite', { program: z.string(), text: z.string() }),
  step('programClose', { program: z.string() }),
  step('programSignal', { program: z.string(), signal: z.string() }),
]);
/** A step that a peer took, and what it was given: began at `t`, held its thread for `ns`. */
export type CallEvent = z.infer<typeof call>;
type With<C> = C extends unknown ? Omit<C, keyof typeof called> : never;
/** The verb of a step, and what it was given. */
export type Call = With<CallEvent>;

const ofProgram = { t: ns, source: z.literal('program'), peer: z.string(), program: z.string() };
const programLine = shape({
  ...ofProgram,
  kind: z.literal('program-line'),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
});
/** A line that a program wrote, when the peer that had started it read it. */
export type ProgramLineEvent = z.infer<typeof programLine>;

const programEnded = shape({
  ...ofProgram,
  kind: z.literal('program-ended'),
  how: z.string().describe('exit code 0, or the name of the signal'),
  leftOut: count.exactOptional().describe('bytes of its output that are not recorded'),
});
/** A program ended, and all that it wrote was read. */
export type ProgramEndedEvent = z.infer<typeof programEnded>;

const stall = shape({ t: ns, source: z.literal('peer'), kind: z.literal('stall'), peer: z.string(), ns });
/** Longest event-loop stall a peer saw while it had this endpoint. */
export type StallEvent = z.infer<typeof stall>;

const late = shape({ t: ns, source: z.literal('peer'), kind: z.literal('late'), peer: z.string(), ns });
/** Until then a peer's process had not run for so long though it should have: no call of its own explains it. */
export type LateEvent = z.infer<typeof late>;

/** When connect(2) was called for an end of a connection that was not established yet, and when it had returned. */
const opening = shape({ from: ns, until: ns });
/** Where an end is, where that is neither the client's nor the server's namespace. */
const site = z.literal('router');
const rawEnd = {
  raw: z.literal(true).exactOptional().describe('of a raw socket, which net does not know'),
  socket: count
    .exactOptional()
    .describe('the number of that socket, which may have several connections, one after the other'),
};
const connection = shape({
  t: ns,
  source: z.literal('harness'),
  kind: z.literal('connection'),
  label: z.string(),
  /** Facts of this label are those of the last such connection, and of none before it. */
  again: z.boolean().exactOptional(),
  /** `endpoint` is null where the wire speaks for it: facts know such connections, records do not. */
  client: shape({
    peer: z.string(),
    endpoint: count.nullable(),
    local: address,
    opening: opening.exactOptional(),
    site: site.exactOptional(),
    ...rawEnd,
  }),
  /** `endpoint` is null while no process has it: a request, or waiting in an accept queue. `opening`: it sent a SYN, too. */
  server: shape({
    peer: z.string(),
    endpoint: count.nullable(),
    local: address,
    opening: opening.exactOptional(),
    site: site.exactOptional(),
    ...rawEnd,
  }),
});
/**
 * Which peer's endpoint is which end of a connection: recorded when both are established; of one that was opened, when its SYN
 * was sent, and again, at the same `t`, when the other end is known. Of those with the same `client.opening`, or with the same
 * client and `t`, the last counts.
 * Of a socket that is connected to itself both ends are the same.
 */
export type ConnectionEvent = z.infer<typeof connection>;

const queues = {
  state,
  sent: count,
  unsent: count,
  acked: count,
  received: count,
  unread: count,
} satisfies Record<keyof Queues, z.ZodType>;
const queuesEvent = shape({
  t: ns,
  source: z.literal('peer'),
  kind: z.literal('queues'),
  peer: z.string(),
  endpoint: count,
  ...queues,
  /** Bytes net had read from the kernel, for the application or for its own buffer. */
  read: count,
});
/**
 * What lay where just before a peer's socket was closed, by the scenario or by net itself: read in the same turn of the event
 * loop. Not recorded of a close at a common moment, which reading would delay.
 */
export type QueuesEvent = z.infer<typeof queuesEvent>;

const signal = shape({
  t: ns,
  source: z.literal('harness'),
  kind: z.literal('signal'),
  peer: z.string(),
  signal: z.string(),
});
/** A signal that the scenario sent to a peer has taken effect. */
export type SignalEvent = z.infer<typeof signal>;

const tcpInfo = shape({
  t: ns,
  source: z.literal('tcp_info'),
  kind: z.literal('state'),
  peer: z.string(),
  endpoint: count,
  state,
});
/** A state read through TCP_INFO on an open descriptor. */
export type TcpInfoEvent = z.infer<typeof tcpInfo>;

const destroyed = shape({
  t: ns,
  source: z.literal('harness'),
  kind: z.literal('destroyed'),
  local: address,
  remote: address,
});
/** The scenario had the kernel destroy the socket with these addresses. */
export type DestroyedEvent = z.infer<typeof destroyed>;

const scenario = shape({
  t: ns,
  source: z.literal('harness'),
  kind: z.enum(['scenario-begins', 'scenario-ends']),
});
/** The scenario ended; what follows is tear-down. */
export type ScenarioEvent = z.infer<typeof scenario>;

/** Control bits of a segment, lowest first. */
export const flags = z.array(z.enum(flagNames as readonly [Flag, ...Flag[]])).readonly();
/** The options of a segment, in the order of its header. */
export const tcpOptions = z
  .array(
    z.discriminatedUnion('kind', [
      shape({ kind: z.literal('nop') }),
      shape({ kind: z.literal('mss'), value: count }),
      shape({ kind: z.literal('wscale'), shift: count }),
      shape({ kind: z.literal('sackOK') }),
      shape({ kind: z.literal('sack'), blocks: z.array(z.tuple([count, count]).readonly()).readonly() }),
      shape({ kind: z.literal('timestamps'), value: count, echo: count }),
      shape({ kind: z.literal('other'), code: count, hex: z.string() }),
      shape({ kind: z.literal('rest'), hex: z.string() }),
    ]) satisfies z.ZodType<TcpOption>,
  )
  .readonly();

const sighted = {
  /** The frame's number in the capture. */
  n: count,
  t: ns,
  from: end,
  /** Why it is no TCP segment, where it is none. */
  why: z.enum(['no-ip', 'truncated', 'bad-length', 'fragment', 'extension-header', 'no-tcp']).exactOptional(),
  /** Absent: no TCP segment. */
  segment: shape({
    source: address,
    destination: address,
    /** Counts incarnations from 1. */
    connection: count,
    flags,
    /** Relative; absent where the wire has not seen the SYN. */
    seq: z.number().exactOptional(),
    ack: z.number().exactOptional(),
    absolute: shape({ seq: count, ack: count }),
    /** As on the wire, not scaled. */
    window: count,
    /** Of payload. */
    bytes: count,
    options: tcpOptions,
    /** Whether its checksums are right; absent where the capture has not all of it any more. */
    intact: z.boolean().exactOptional(),
  }).exactOptional(),
};
const sighting = shape(sighted);
/** A packet as the wire reports it: JSON, without its payload's bytes. */
export type Sighting = z.infer<typeof sighting>;
/** A TCP segment as the wire reports it. */
export type SegmentSighting = Sighting & { readonly segment: NonNullable<Sighting['segment']> };

const wireEvent = shape({ ...sighted, source: z.literal('wire'), kind: z.literal('segment'), deed });
/** A packet that came to the wire, and what it did with it; a wait ends with a {@link DeedEvent}. */
export type WireEvent = z.infer<typeof wireEvent>;

const packetsEvent = shape({ t: ns, source: z.literal('wire'), kind: z.literal('packets'), count });
/** So many packets are in the capture; of very many the record has only those that open, close, reset, or that a rule decided. */
export type PacketsEvent = z.infer<typeof packetsEvent>;

const deedEvent = shape({ t: ns, source: z.literal('wire'), kind: z.literal('deed'), n: count, deed });
/** What became of a packet that waited. */
export type DeedEvent = z.infer<typeof deedEvent>;

const mapping = shape({
  t: ns,
  source: z.literal('wire'),
  kind: z.literal('mapping'),
  inside: address,
  outside: address,
  /** Absent: it was made. */
  forgotten: z.literal(true).exactOptional(),
  /** When a packet, or the scenario, asked for one whose time was over; absent: the scenario had it forgotten. */
  found: ns.exactOptional(),
});
/** The wire, which translates, made a mapping from an address and port of the client's to one that the server sees, or forgot it. */
export type MappingEvent = z.infer<typeof mapping>;

/** One thing that one observer or peer saw, at one time, on the one clock: a line of events.ndjson.gz. */
export const event = z.discriminatedUnion('kind', [
  transition,
  segmentEvent,
  miniTimerEvent,
  miniSocket,
  lost,
  sample,
  counters,
  node,
  call,
  programLine,
  programEnded,
  stall,
  late,
  connection,
  tcpInfo,
  destroyed,
  queuesEvent,
  signal,
  wireEvent,
  deedEvent,
  packetsEvent,
  mapping,
  scenario,
]);
export type Event = z.infer<typeof event>;
