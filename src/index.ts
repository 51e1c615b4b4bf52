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
  Answer,
  BindOptions,
  Bound,
  CloseBy,
  CloseOptions,
  ConnectOptions,
  Duplicate,
  Endpoint,
  Handed,
  Instant,
  Instruments,
  Listener,
  ListenOptions,
  Peer,
  Reuse,
  SetOptions,
  Settable,
  SocketCounts,
  SocketOptions,
  Stage,
  StartOptions,
  Step,
  StructLinger,
  Sysctl,
  TcpInfo,
  Where,
  WithOptions,
} from './experiment/stage.ts';
export { type Kind, kind } from './facts/kinds.ts';
export type { End, State } from './facts/states.ts';
export type { FactsOf } from './facts/table.ts';
export type { SsSocket } from './record/event.ts';
