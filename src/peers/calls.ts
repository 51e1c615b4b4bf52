import type { Call } from '../record/event.ts';
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
