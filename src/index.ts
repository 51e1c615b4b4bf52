/** What an experiment file imports from 'lingerlab'. */
export {
  type AcrossClaim,
  type Cell,
  type Claim,
  type Definition,
  type Experiment,
  experiment,
  type Factors,
  type FactorValue,
  type Need,
  type Network,
  type Outcome,
} from './experiment/definition.ts';
export type {
  CloseBy,
  CloseOptions,
  Copy,
  Duplicate,
  Endpoint,
  Opened,
  Side,
  TcpInfo,
  WriteOptions,
} from './experiment/endpoint.ts';
export type { Instruments, SocketCounts, Sysctl } from './experiment/instruments.ts';
export type {
  BindOptions,
  Bound,
  Handed,
  Listener,
  ListenOptions,
  Place,
  Queue,
  Reuse,
  Where,
} from './experiment/listening.ts';
export type { SetOptions, Settable, SocketOptions, StructLinger, WithOptions } from './experiment/options.ts';
export type { CaughtSignal, ConnectOptions, EndBy, Ended, Peer, StartOptions } from './experiment/peer.ts';
export { sentence } from './experiment/sentence.ts';
export type { Stage } from './experiment/stage.ts';
export type { Answer, Instant, Step } from './experiment/step.ts';
export { type Kind, kind } from './facts/kinds.ts';
export type { End, State } from './tcp/states.ts';
export type { FactsOf } from './facts/table.ts';
export type { Driven, Interval, Latency, LoadClose, LoadOptions } from './load/options.ts';
export type { Loaded } from './load/run.ts';
export { othersMost } from './load/usage.ts';
export type { SsSocket } from './record/event.ts';
export { type Against, type Arm, against, margin, type Repeated, repeatsNeeded } from './stats/against.ts';
export { median } from './stats/quantile.ts';
export type { Forgery } from './wire/forge.ts';
export { ack, any, data, fin, notTcp, type Pattern, rst, syn, synAck, tcp } from './experiment/patterns.ts';
export type { Sighting } from './wire/report.ts';
export type { RuleHandle, Wire } from './wire/stage.ts';
