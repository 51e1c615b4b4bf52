import type { Call, CallEvent } from '../record/event.ts';
import type { Verb, Verbs } from './protocol.ts';

/** Of each verb what the record has of its request; null: it only looks or waits, and is no step of the scenario. */
const recorded = {
  listen: ['address', 'port', 'reuse', 'noPort', 'ipv6Only', 'backlog', 'allowHalfOpen'],
  bind: ['address', 'port', 'reuse', 'noPort', 'ipv6Only'],
  listenBound: ['bound', 'backlog', 'allowHalfOpen'],
  queue: ['bound', 'backlog'],
  unbind: ['bound'],
  become: ['uid'],
  openMailbox: [],
  handOver: [],
  takeOver: [],
  queued: null,
  serve: ['handed', 'backlog', 'allowHalfOpen'],
  knock: ['to'],
  unlisten: ['listener'],
  connect: ['to', 'localPort', 'localAddress', 'allowHalfOpen'],
  open: ['to', 'localPort', 'localAddress', 'allowHalfOpen'],
  connected: null,
  accepted: null,
  next: null,
  exec: ['command', 'args', 'env'],
  programLine: null,
  programOutput: null,
  programWrite: ['program', 'text'],
  programClose: ['program'],
  programSignal: ['program', 'signal'],
  programEnded: null,
  set: ['option', 'value', 'length'],
  get: ['option'],
  setNumbered: ['level', 'name', 'hex', 'length'],
  getNumbered: ['level', 'name', 'length'],
  linger: [],
  error: [],
  info: null,
  sendQueue: null,
  write: ['bytes', 'fill'],
  heard: null,
  received: null,
  saw: null,
  pause: [],
  stopReading: [],
  unread: null,
  resume: [],
  close: ['by', 'sending', 'atNs', 'andThen'],
  shutdown: ['how', 'sending', 'atNs', 'andThen'],
  dup: [],
  closeDuplicate: ['thread'],
  receiveQueue: null,
  raw: [],
  'socket(2)': ['family'],
  'bind(2)': ['address', 'port'],
  'listen(2)': ['backlog'],
  'connect(2)': ['to', 'wait'],
  'accept(2)': ['wait'],
  'read(2)': ['asked', 'wait'],
  'write(2)': ['asked', 'fill', 'wait'],
  'poll(2)': ['for', 'within'],
  'shutdown(2)': ['how'],
  disconnect: [],
  'dup(2)': [],
  'dup2(2)': [],
  'getpeername(2)': [],
  'getsockname(2)': [],
  'close(2)': [],
  survive: ['signal'],
  end: ['way'],
  sync: null,
} as const satisfies { readonly [V in Verb]: readonly (keyof Verbs[V]['ask'])[] | null };

type Given = {
  [V in Verb]: (typeof recorded)[V] extends readonly (infer K extends keyof Verbs[V]['ask'])[]
    ? { readonly verb: V } & Pick<Verbs[V]['ask'], K>
    : never;
}[Verb];

/** A step as the record has it, with what it was given; undefined for what is no step. */
export function callOf(verb: Verb, ask: Verbs[Verb]['ask']): Call | undefined {
  const names: readonly string[] | null = recorded[verb];
  if (names === null) return undefined;
  const given = Object.entries(ask).filter(([name]) => names.includes(name));
  const call: Given = { verb, ...Object.fromEntries(given) } as Given;
  return call;
}

type Ended<V extends Verb> = (value: Verbs[V]['value']) => Partial<Extract<CallEvent, { readonly verb: V }>>;
type Ends = { readonly [V in Verb & CallEvent['verb']]?: Ended<V> };

/** Of each verb what the record has of its value; of the others nothing. */
const ends = {
  set: ({ kept, at }) => ({ kept, ...(at && { at }) }),
  setNumbered: (kept) => kept,
  error: (pending) => ({ pending }),
  raw: ({ id }) => ({ socket: id }),
  'socket(2)': ({ id }) => ({ socket: id }),
  'bind(2)': ({ at }) => ({ at }),
  'listen(2)': ({ at }) => ({ at }),
  'connect(2)': ({ endpoint, inProgress }) => ({ endpoint, ...(inProgress && { inProgress }) }),
  'accept(2)': ({ endpoint, remote }) => ({ accepted: endpoint, from: remote }),
  'read(2)': (text) => ({ got: text.length }),
  'write(2)': (wrote) => ({ wrote }),
  'poll(2)': (events) => ({ events }),
  'getpeername(2)': (at) => ({ at }),
  'getsockname(2)': (at) => ({ at }),
} as const satisfies Ends;

/** What the record has of a step's value. */
export const endOf = <V extends Verb>(verb: V, value: Verbs[V]['value']): object =>
  (ends as Readonly<Partial<Record<Verb, (value: never) => object>>>)[verb]?.(value as never) ?? {};

/**
 * Whether a call has not come to its end, and its end is recorded: connect(2) of a blocking socket, which a peer begins and ends in
 * two requests.
 */
export const goesOn = <V extends Verb>(verb: V, ask: Verbs[V]['ask'], value: Verbs[V]['value']): boolean =>
  verb === 'connect(2)' &&
  (ask as Verbs['connect(2)']['ask']).wait &&
  (value as Verbs['connect(2)']['value']).inProgress;
