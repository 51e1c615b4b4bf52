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
  type Group,
  type Need,
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
  WriteOptions,
} from './experiment/endpoint.ts';
export type { Forgery } from './experiment/forgery.ts';
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
export type { Driven, Interval, Latency, LoadClose, Loaded, LoadOptions } from './experiment/load.ts';
export { othersMost } from './experiment/load.ts';
export type { SetOptions, WithOptions } from './experiment/options.ts';
export { ack, any, data, fin, notTcp, type Pattern, rst, syn, synAck, tcp } from './experiment/patterns.ts';
export type { CaughtSignal, ConnectOptions, EndBy, Ended, Peer, StartOptions } from './experiment/peer.ts';
export { sentence } from './experiment/sentence.ts';
export type { Stage } from './experiment/stage.ts';
export type { Answer, Instant, Step } from './experiment/step.ts';
export type { RuleHandle, Wire } from './experiment/wire.ts';
export { type Kind, kind } from './facts/kinds.ts';
export type { FactsOf } from './facts/table.ts';
export type { SsSocket } from './record/event.ts';
export type { Sighting } from './record/sighting.ts';
export { type Against, type Arm, against, margin, type Repeated, repeatsNeeded } from './stats/against.ts';
export { median } from './stats/quantile.ts';
export type { TcpInfo } from './tcp/info.ts';
export type { Network } from './tcp/network.ts';
export type { Settable, SocketOptions, StructLinger } from './tcp/socket-options.ts';
export type { End, State } from './tcp/states.ts';
