import type {
  Address,
  ConnectionEvent,
  Event,
  MiniSocketEvent,
  MiniTimerEvent,
  Ns,
  SampleEvent,
  SsSocket,
} from '../record/event.ts';
import { type Chain, foldChains } from './chains.ts';
import { type End, otherEnd } from './states.ts';

/** One `ss` sample as far as it concerns one endpoint: the socket it showed, or that it showed none. */
export interface Look {
  readonly from: Ns;
  readonly until: Ns;
  readonly socket: SsSocket | undefined;
}

/** What was observed of one end of a connection. */
export interface EndView {
  readonly end: End;
  readonly peer: string;
  readonly endpoint: number;
  readonly local: Address;
  readonly remote: Address;
  readonly chain: Chain | undefined;
  readonly looks: readonly Look[];
  /** When it received a RST, by the trace. */
  readonly resetAt: Ns | undefined;
}

/** What was observed of one connection. */
export interface ConnectionView {
  readonly label: string;
  readonly client: EndView;
  readonly server: EndView;
}

/** What the observers of a cell could see at all. */
export interface Sight {
  /** State changes of full sockets. */
  readonly transitions: boolean;
  /** The timers of mini-sockets. */
  readonly miniTimers: boolean;
}

/** The cell's events up to the end of the scenario, arranged for looking things up. */
export interface CellView {
  readonly events: readonly Event[];
  readonly sight: Sight;
  readonly horizon: Ns;
  readonly connections: readonly ConnectionView[];
  readonly miniSockets: readonly MiniSocketEvent[];
  readonly miniTimers: readonly MiniTimerEvent[];
}

export const sameAddress = (a: Address, b: Address) => a.port === b.port && a.address === b.address;

/** Arrange a cell's events; `horizon` is the moment up to which facts speak. */
export function viewOf(all: readonly Event[], sight: Sight, horizon: Ns = Number.POSITIVE_INFINITY): CellView {
  const events = all.filter((event) => event.t <= horizon);
  const chains = foldChains(events);
  const samples = events.filter((event): event is SampleEvent => event.kind === 'sample');
  const spaces = new Set(samples.map(({ space }) => space));
  const endView = (connection: ConnectionEvent, end: End): EndView => {
    const { peer, endpoint, local } = connection[end];
    const remote = connection[otherEnd(end)].local;
    const space = spaces.has('lab') ? 'lab' : end;
    const role = end === 'client' ? 'client' : 'accepted';
    const chain = chains.findLast(
      (candidate) =>
        candidate.role === role &&
        sameAddress(candidate.local, local) &&
        sameAddress(candidate.remote, remote) &&
        (candidate.transitions[0]?.t ?? 0) <= connection.t,
    );
    return {
      end,
      peer,
      endpoint,
      local,
      remote,
      chain,
      resetAt: chain && events.find((event) => event.kind === 'reset-received' && event.socket === chain.socket)?.t,
      looks: samples
        .filter((sample) => sample.space === space)
        .map(({ t, until, sockets }) => ({
          from: t,
          until,
          socket: sockets.find((socket) => sameAddress(socket.local, local) && sameAddress(socket.remote, remote)),
        })),
    };
  };
  return {
    events,
    sight,
    horizon,
    connections: events
      .filter((event): event is ConnectionEvent => event.kind === 'connection')
      .map((connection) => ({
        label: connection.label,
        client: endView(connection, 'client'),
        server: endView(connection, 'server'),
      })),
    miniTimers: events.filter(
      (event): event is MiniTimerEvent => event.kind === 'mini-timer-start' || event.kind === 'mini-timer-expire',
    ),
    miniSockets: events.filter((event): event is MiniSocketEvent => event.kind === 'mini-socket'),
  };
}

/** The name of one end's facts: `client`, or with the connection's label in front `old.client`. */
export const endName = (label: string, end: End): string => (label ? `${label}.${end}` : end);
