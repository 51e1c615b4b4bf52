import type {
  ConnectionEvent,
  Event,
  MappingEvent,
  MiniSocketEvent,
  MiniTimerEvent,
  Ns,
  SampleEvent,
  SsSocket,
} from '../record/event.ts';
import type { Address } from '../tcp/address.ts';
import { sameAddress } from '../tcp/address.ts';
import { type End, ends, otherEnd } from '../tcp/states.ts';
import { type Carried, carriedIn, isWiresOwn, reopeningsIn, wiresPeer } from './carried.ts';
import { type Chain, enteredAt, foldChains, isOf } from './chains.ts';

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
  /** Null where no process ever had this end. */
  readonly endpoint: number | null;
  /** It is of a raw socket, with this number, which net does not know. */
  readonly socket: number | undefined;
  readonly local: Address;
  /** The other end as this one's kernel knows it. */
  readonly remote: Address;
  /** The other end as the wire's record knows it: another one than `remote` where the wire translates. */
  readonly onWire: Address;
  readonly chain: Chain | undefined;
  /**
   * When the next connection with the same addresses and ports began, or this end, already closed, answered a SYN with its own:
   * from then on they are that one's; Infinity without.
   */
  readonly succeededAt: Ns;
  /** When a later connection with the same addresses and ports was tried, established or not; Infinity without. */
  readonly triedAgainAt: Ns;
  readonly looks: readonly Look[];
  /** Time at which the end received a RST, by the trace. */
  readonly resetAt: Ns | undefined;
  /** Time at which connect and accept had both succeeded, so that the end was ESTABLISHED. For `open()`: when the SYN was sent. */
  readonly knownAt: Ns;
  /** Whether the connection was recorded before it was established. */
  readonly opened: boolean;
}

/** What was observed of one connection. */
export interface ConnectionView {
  readonly label: string;
  readonly event: ConnectionEvent;
  readonly client: EndView;
  readonly server: EndView;
}

/** What the observers of a cell could see at all. */
export interface Sight {
  /** State changes of full sockets. */
  readonly transitions: boolean;
  /** The timers of mini-sockets. */
  readonly miniTimers: boolean;
  /** RSTs sent and received. */
  readonly resets: boolean;
  /** Segments sent again. */
  readonly retransmits: boolean;
}

/** The cell's events up to the end of the scenario, arranged for looking things up. */
export interface CellView {
  readonly events: readonly Event[];
  readonly sight: Sight;
  readonly horizon: Ns;
  readonly connections: readonly ConnectionView[];
  readonly miniSockets: readonly MiniSocketEvent[];
  readonly miniTimers: readonly MiniTimerEvent[];
  /** What the wire recorded; empty if the cell has no wire. */
  readonly carried: Carried;
}

/** What the events of one connection have in common. */
export const identityOf = ({ t, client: { peer, endpoint, opening } }: ConnectionEvent): string =>
  opening ? `opened ${opening.from}` : `${peer} ${endpoint} ${t}`;

/** Returns the connections of a cell, each as it was recorded last. */
export function connectionsIn(events: readonly Event[]): ConnectionEvent[] {
  const told = events.filter((event): event is ConnectionEvent => event.kind === 'connection');
  const last = new Map<string, ConnectionEvent>();
  for (const event of told) last.set(identityOf(event), event);
  return told.filter((event) => last.get(identityOf(event)) === event);
}

/** Whether one socket is both ends: it connected to its own address and port. */
export const isOneSocket = ({ client, server }: ConnectionEvent): boolean => sameAddress(client.local, server.local);

/** The ends that have facts: of one socket the connecting one, and none that the wire speaks for. */
export const endsOf = (connection: ConnectionEvent): readonly End[] => {
  if (connection.client.peer === wiresPeer) return ['server'];
  return isOneSocket(connection) ? ['client'] : ends;
};

const isAfter = (later: ConnectionEvent, connection: ConnectionEvent): boolean =>
  later.t > connection.t && sameEnds(later, connection);

const sameEnds = (a: ConnectionEvent, b: ConnectionEvent) =>
  sameAddress(a.client.local, b.client.local) && sameAddress(a.server.local, b.server.local);

interface Arranged {
  readonly events: readonly Event[];
  readonly chains: readonly Chain[];
  readonly connections: readonly ConnectionEvent[];
  /** What servers know the clients of connections as, where the wire translates. */
  readonly translated: ReadonlyMap<ConnectionEvent, Address>;
}

/** The other end of a connection as the kernel of this one knows it. */
const remoteOf = ({ translated }: Arranged, connection: ConnectionEvent, end: End): Address =>
  (end === 'server' && translated.get(connection)) || connection[otherEnd(end)].local;

/** Whether the kernel of an end knows both connections by the same addresses and ports. */
const sameAt = (arranged: Arranged, a: ConnectionEvent, b: ConnectionEvent, end: End): boolean =>
  sameAddress(a[end].local, b[end].local) && sameAddress(remoteOf(arranged, a, end), remoteOf(arranged, b, end));

/** What the server of a connection knows its client as: the mapping there was when it began, or the first that was made then. */
function translatedIn(events: readonly Event[], connections: readonly ConnectionEvent[]): Arranged['translated'] {
  const mappings = events.filter((event): event is MappingEvent => event.kind === 'mapping');
  if (mappings.length === 0) return new Map();
  return new Map(
    connections.flatMap((connection) => {
      const { local, opening } = connection.client;
      const own = mappings.filter(({ inside }) => sameAddress(inside, local));
      const latest = own.findLast(({ t }) => t <= (opening?.from ?? connection.t));
      const found =
        latest && !latest.forgotten ? latest : own.find(({ t, forgotten }) => !forgotten && t > (latest?.t ?? 0));
      return found ? [[connection, found.outside] as const] : [];
    }),
  );
}

/** Arrange a cell's events; `horizon` is the moment up to which facts speak. */
export function viewOf(all: readonly Event[], sight: Sight, horizon: Ns = Number.POSITIVE_INFINITY): CellView {
  // several CPUs' buffers and several samples at once arrive in any order
  const events = all.filter((event) => event.t <= horizon).sort((a, b) => a.t - b.t);
  const told = connectionsIn(events);
  const reopenings = reopeningsIn(events, told).filter(({ answer }) => answer.from === 'server');
  const connections = [...told, ...reopenings.map(({ event }) => event)];
  const translated = translatedIn(events, connections);
  const arranged: Arranged = { events, connections, chains: foldChains(events), translated };
  let carried: Carried | undefined;
  return {
    events,
    sight,
    horizon,
    // asked for at the end, and not by a step that waits
    get carried() {
      carried ??= carriedIn(events, told, reopenings, translated);
      return carried;
    },
    connections: connections.map((connection) => connectionView(arranged, connection)),
    miniTimers: events.filter(
      (event): event is MiniTimerEvent => event.kind === 'mini-timer-start' || event.kind === 'mini-timer-expire',
    ),
    miniSockets: events.filter((event): event is MiniSocketEvent => event.kind === 'mini-socket'),
  };
}

/** The ends are arranged when they are asked for: a cell may have hundreds, of which a step waits for one. */
function connectionView(arranged: Arranged, event: ConnectionEvent): ConnectionView {
  let client: EndView | undefined;
  let server: EndView | undefined;
  return {
    label: event.label,
    event,
    get client() {
      client ??= endView(arranged, event, 'client');
      return client;
    },
    get server() {
      // a socket that connected to itself is both ends, and is recorded once
      server ??= isOneSocket(event) ? this.client : endView(arranged, event, 'server');
      return server;
    },
  };
}

function endView(arranged: Arranged, connection: ConnectionEvent, end: End): EndView {
  const { events, connections } = arranged;
  const { peer, endpoint, local, socket } = connection[end];
  const remote = remoteOf(arranged, connection, end);
  const onWire = connection[otherEnd(end)].local;
  const chain = chainOf(arranged, connection, end);
  const successor = connections.find(
    (other) => other.t > connection.t && sameAt(arranged, other, connection, end) && endsOf(other).includes(end),
  );
  const succeededAt = Math.min(
    successor ? tookOverAt(arranged, successor, end) : Number.POSITIVE_INFINITY,
    reopenedAt(arranged, chain, local, onWire),
  );
  const reopened = connections.find((other) => isAfter(other, connection) && other.client.peer === wiresPeer);
  const isSuccessor = connections.some((other) => other.t < connection.t && sameAt(arranged, other, connection, end));
  const began = isSuccessor ? tookOverAt(arranged, connection, end) : beganAt(arranged, connection);
  return {
    end,
    peer,
    endpoint,
    socket,
    local,
    remote,
    onWire,
    chain,
    knownAt: connection.t,
    opened: connection.client.opening !== undefined,
    succeededAt,
    triedAgainAt: Math.min(
      succeededAt,
      triedAgainAt(arranged, connection),
      reopened?.client.opening?.from ?? Number.POSITIVE_INFINITY,
    ),
    resetAt: chain && events.find((event) => event.kind === 'reset-received' && isOf(chain, event))?.t,
    looks: looksAt(arranged, { site: connection[end].site ?? end, local, remote }).filter(
      ({ from, until }) => from >= began && until <= succeededAt,
    ),
  };
}

/** Of an end that was opened the one that connect(2) began; of one that was accepted then the next one. */
function openedChain(arranged: Arranged, connection: ConnectionEvent, end: End): Chain | undefined {
  const { chains, connections } = arranged;
  const { local, opening } = connection[end];
  const remote = remoteOf(arranged, connection, end);
  if (opening) {
    return connection[end].peer === wiresPeer
      ? undefined
      : chains.find(
          (chain) =>
            chain.role === 'client' &&
            sameAddress(chain.remote, remote) &&
            // in SYN-SENT the trace has the local port only if the socket was bound
            (chain.local.port === 0 || chain.local.port === local.port) &&
            chain.begins >= opening.from &&
            chain.begins <= opening.until,
        );
  }
  const successor = connections.find((other) => other.t > connection.t && sameAt(arranged, other, connection, end));
  const from = connection.client.opening?.from ?? connection.t;
  return chains.find(
    (chain) =>
      chain.role === 'accepted' &&
      sameAddress(chain.local, local) &&
      sameAddress(chain.remote, remote) &&
      chain.begins >= from &&
      chain.begins < (successor?.client.opening?.from ?? successor?.t ?? Number.POSITIVE_INFINITY),
  );
}

/**
 * The last one before the harness knew both ends: earlier ones with the same addresses are earlier connections'. Of a
 * connection that was opened see {@link openedChain}.
 */
const chainOf = (arranged: Arranged, connection: ConnectionEvent, end: End): Chain | undefined =>
  connection.client.opening ? openedChain(arranged, connection, end) : establishedChain(arranged, connection, end);

const establishedChain = (arranged: Arranged, connection: ConnectionEvent, end: End): Chain | undefined =>
  arranged.chains.findLast(
    ({ role, local, remote, begins }) =>
      role === (end === 'client' ? 'client' : 'accepted') &&
      sameAddress(local, connection[end].local) &&
      sameAddress(remote, remoteOf(arranged, connection, end)) &&
      begins <= connection.t,
  );

const triedAgainAt = ({ chains }: Arranged, { t, client, server }: ConnectionEvent): Ns =>
  chains.find(
    ({ begins, role, local, remote }) =>
      begins > t && role === 'client' && sameAddress(local, client.local) && sameAddress(remote, server.local),
  )?.begins ?? Number.POSITIVE_INFINITY;

/** When the wire saw an end whose full socket was gone answer a SYN: who sent that may not be a peer of the cell. */
function reopenedAt({ events }: Arranged, chain: Chain | undefined, local: Address, remote: Address): Ns {
  const closed = chain?.transitions.findLast(({ to }) => to === 'CLOSED')?.t;
  if (closed === undefined) return Number.POSITIVE_INFINITY;
  const answer = events.find(
    (event) =>
      event.kind === 'segment' &&
      event.t > closed &&
      event.segment?.flags.join() === 'SYN,ACK' &&
      !isWiresOwn(event.deed) &&
      sameAddress(event.segment.source, local) &&
      sameAddress(event.segment.destination, remote),
  );
  return answer?.t ?? Number.POSITIVE_INFINITY;
}

/** Returns when a connection began: at its first transition or, without tracepoints, at its peer's call of connect. */
const beganAt = (arranged: Arranged, connection: ConnectionEvent): Ns =>
  chainOf(arranged, connection, 'client')?.begins ??
  connection.client.opening?.from ??
  arranged.events.findLast(
    (event) =>
      event.kind === 'call' &&
      event.verb === 'connect' &&
      event.peer === connection.client.peer &&
      event.t <= connection.t,
  )?.t ??
  connection.t;

/**
 * When an end's addresses and ports became a connection's that had a predecessor there. Of the end that connected when it began.
 * TIME-WAIT of the other one stays for as long as nobody accepts: without a listener it challenges the SYN, and the RST that
 * answers that ends it (tcp_v4_rcv(), TCP_TW_ACK). Infinity: it never did.
 */
function tookOverAt(arranged: Arranged, connection: ConnectionEvent, end: End): Ns {
  const began = beganAt(arranged, connection);
  if (end === 'client' || connection.client.opening === undefined) {
    return end === 'client' ? began : Math.max(began, challengeAnsweredAt(arranged, connection) ?? 0);
  }
  const { local } = connection.server;
  const of = { local, remote: remoteOf(arranged, connection, 'server'), onWire: connection.client.local };
  const accepted =
    connection.server.endpoint !== null ||
    chainOf(arranged, connection, 'server') !== undefined ||
    isAnswered(arranged, of, began);
  return accepted ? Math.max(began, challengeAnsweredAt(arranged, connection) ?? 0) : Number.POSITIVE_INFINITY;
}

/** When the client of a connection, still in SYN-SENT, answered an ACK with a RST: its SYN had come upon another connection's end. */
function challengeAnsweredAt(arranged: Arranged, connection: ConnectionEvent): Ns | undefined {
  const chain = chainOf(arranged, connection, 'client');
  const established = enteredAt(chain, 'ESTABLISHED') ?? Number.POSITIVE_INFINITY;
  return (
    chain &&
    arranged.events.find((event) => event.kind === 'reset-sent' && isOf(chain, event) && event.t < established)?.t
  );
}

/** Whether a SYN was answered with a SYN from then on, or `ss` showed a request. */
const isAnswered = ({ events }: Arranged, of: Pick<EndView, 'local' | 'remote' | 'onWire'>, since: Ns): boolean =>
  events.some(
    (event) =>
      event.t >= since &&
      ((event.kind === 'segment' &&
        event.segment?.flags.join() === 'SYN,ACK' &&
        sameAddress(event.segment.source, of.local) &&
        sameAddress(event.segment.destination, of.onWire)) ||
        (event.kind === 'sample' && lookIn(event, of)?.socket?.state === 'SYN-RECEIVED')),
  );

function looksAt(
  { events }: Arranged,
  { site, local, remote }: Pick<EndView, 'local' | 'remote'> & { readonly site: string },
): Look[] {
  const samples = events.filter((event): event is SampleEvent => event.kind === 'sample');
  const space = samples.some((sample) => sample.space === 'lab') ? 'lab' : site;
  return samples
    .filter((sample) => sample.space === space)
    .flatMap((sample) => lookIn(sample, { local, remote }) ?? []);
}

/**
 * What a sample says of the socket between two addresses; undefined where it does not show it, and yet it may have been there:
 * in a line that was not understood, or among the TIME-WAITs that were not looked at.
 */
export function lookIn(sample: SampleEvent, { local, remote }: Pick<EndView, 'local' | 'remote'>): Look | undefined {
  const { t, until, sockets, unread = 0, leftOut = 0 } = sample;
  const socket = sockets.find((each) => sameAddress(each.local, local) && sameAddress(each.remote, remote));
  return socket || unread + leftOut === 0 ? { from: t, until, socket } : undefined;
}

/** The name of one end's facts: `client`, or with the connection's label in front `old.client`. */
export const endName = (label: string, end: End): string => (label ? `${label}.${end}` : end);
