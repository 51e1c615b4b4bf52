/** What an experiment file imports from 'lingerlab'. */
export {
  type AcrossClaim,
  type Cell,
  type Claim,
  type Compared,
  type Definition,
  type Experiment,
  experiment,
  type Factors,
  type FactorValue,
  type FactorWords,
  type Group,
  type LoadAcrossClaim,
  type LoadDefinition,
  loadExperiment,
  type Need,
  type Outcome,
  type OutcomeOf,
  type Repeating,
} from './experiment/definition.ts';
export { type Conclusion, type Figure, type Finding, finding, type Result } from './experiment/finding.ts';
export type { Forgery } from './experiment/forgery.ts';
export type { About, Knob, RateStatement, Statement, Symptom } from './experiment/guide.ts';
export type {
  AddressOptions,
  Answer,
  At,
  BindOptions,
  Bound,
  CaughtSignal,
  CloseBy,
  CloseOptions,
  ConnectOptions,
  Copy,
  Duplicate,
  EndBy,
  Ended,
  Endpoint,
  ExactAddress,
  Filled,
  FillOptions,
  Handed,
  Incoming,
  Instant,
  Listener,
  ListenOptions,
  Opened,
  Peer,
  Place,
  PlaceOptions,
  Queue,
  Reuse,
  SetOptions,
  Side,
  Source,
  StartOptions,
  Step,
  Where,
  WithOptions,
  WriteOptions,
} from './experiment/handles.ts';
export type { Gauges, Instruments, SocketCounts, Sysctl } from './experiment/instruments.ts';
export type { Driven, Interval, Latency, LoadClose, Loaded, LoadOptions } from './experiment/load.ts';
export { othersMost } from './experiment/load.ts';
export { ack, any, data, fin, notTcp, type Pattern, rst, syn, synAck, tcp } from './experiment/patterns.ts';
export { errnos, is, type RangeOptions, range, sentence, share } from './experiment/phrases.ts';
export type { ExecOptions, Program, ProgramEnded, ProgramOutput } from './experiment/program.ts';
export type {
  PollEvent,
  PollOptions,
  PollWanted,
  RawBindOptions,
  RawConnectOptions,
  RawEndpoint,
  RawSocket,
  RawSocketOptions,
  RawWriteOptions,
  WaitOptions,
} from './experiment/raw.ts';
export type { LoadStage, Stage } from './experiment/stage.ts';
export type {
  IcmpOptions,
  Mapping,
  RuleHandle,
  SightingOf,
  TranslateOptions,
  Translation,
  Wire,
} from './experiment/wire.ts';
export { type Kind, kind } from './facts/kinds.ts';
export type { FactsOf, LoadFactsOf } from './facts/table.ts';
export type { SegmentSighting, Sighting, SsSocket } from './record/event.ts';
export { type Against, type Arm, against, margin, type Repeated, repeatsNeeded } from './stats/against.ts';
export { largest, least, median } from './stats/quantile.ts';
export type { IcmpKind } from './tcp/icmp.ts';
export type { TcpInfo } from './tcp/info.ts';
export type { Network } from './tcp/network.ts';
export type {
  NumberedOption,
  PortRange,
  Settable,
  SocketOption,
  SocketOptions,
  StructLinger,
} from './tcp/socket-options.ts';
export type { End, State } from './tcp/states.ts';
