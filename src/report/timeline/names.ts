import { type Chain, foldChains, isOf } from '../../facts/chains.ts';
import { type ConnectionView, endsOf, identityOf, viewOf } from '../../facts/connections.ts';
import type { ConnectionEvent, Event, MiniTimerEvent, Ns, SsSocket, TransitionEvent } from '../../record/event.ts';
import type { SegmentRecord } from '../../record/schema.ts';
import { type Address, addressAndPort } from '../../tcp/address.ts';
import type { End } from '../../tcp/states.ts';

/** Names what an event is about: `client`, `old.client`, `listener`; where nothing has a name, its addresses and ports. */
export interface Names {
  readonly connections: readonly ConnectionEvent[];
  /** Whether the record has a connection once more: when a process had its other end, too. */
  isToldAgain(event: ConnectionEvent): boolean;
  /** A socket by the kernel's own address of it, where that is known, else by its addresses and ports at that time. */
  readonly flow: (at: {
    readonly socket?: string;
    readonly local: Address;
    readonly remote: Address;
    readonly t: Ns;
  }) => string;
  shown(socket: SsSocket, t: Ns): string;
  /** Whose mini-socket a timer is of; undefined where no full socket left it. */
  timer(event: MiniTimerEvent): string | undefined;
  /** An endpoint of a peer, without the end's name where the peer has that: `old`; empty where nothing is left. */
  endpoint(peer: string, endpoint: number | undefined): string;
  /** What the wire carried, by its number. */
  segment(n: number): SegmentRecord | undefined;
  /** Whether the full socket that a transition closes leaves a mini-socket behind. */
  leavesMini(event: TransitionEvent): boolean;
}

const sees = { transitions: true, miniTimers: true, resets: true, retransmits: true };

const endName = (label: string, end: End): string => (label === '' ? end : `${label}.${end}`);
const flowKey = (local: Address, remote: Address): string => `${addressAndPort(local)} ${addressAndPort(remote)}`;
const flowText = (local: Address, remote: Address): string =>
  remote.port === 0 ? addressAndPort(local) : `${addressAndPort(local)} to ${addressAndPort(remote)}`;

interface Named {
  readonly name: string;
  readonly from: Ns;
}

/** Identifies one life of a socket. */
const chainKey = ({ socket, begins }: Chain): string => `${socket} ${begins}`;

/** When an end has its addresses and ports: from its socket's first transition on, as far as the trace has that. */
const beginOf = ({ event }: ConnectionView, chain: Chain | undefined): Ns =>
  chain?.begins ?? event.client.opening?.from ?? event.t;

/** Names of the ends of a cell's connections, by chain, by addresses and ports, and by endpoint. */
function endsIn(connections: readonly ConnectionView[]) {
  const chains = new Map<string, string>();
  const flows = new Map<string, Named[]>();
  const endpoints = new Map<string, string>();
  for (const connection of connections) {
    for (const end of endsOf(connection.event)) {
      const { chain, local, remote, peer, endpoint } = connection[end];
      const name = endName(connection.event.label, end);
      if (chain) chains.set(chainKey(chain), name);
      if (endpoint !== null) endpoints.set(`${peer} ${endpoint}`, name);
      const key = flowKey(local, remote);
      flows.set(key, [...(flows.get(key) ?? []), { name, from: beginOf(connection, chain) }]);
    }
  }
  return { chains, flows, endpoints };
}

/** Names for the events of a cell. */
export function namesIn(all: readonly Event[]): Names {
  const { connections, events, miniSockets, carried } = viewOf(all, sees);
  const ends = endsIn(connections);
  const chains = foldChains(events);
  const bySocket = Map.groupBy(chains, ({ socket }) => socket);
  const chainOf = (socket: string, t: Ns) => bySocket.get(socket)?.find((chain) => isOf(chain, { socket, t }));
  const leaving = new Set(miniSockets.flatMap(({ socket, t }) => chainOf(socket, t) ?? []));
  const timers = Map.groupBy(miniSockets, ({ timer }) => timer);
  const segments = new Map(carried.segments.map((segment) => [segment.n, segment]));
  const listeners = new Set(chains.filter(({ role }) => role === 'listener').map(({ local }) => addressAndPort(local)));

  const listener = (local: Address): string => (listeners.size > 1 ? `listener ${addressAndPort(local)}` : 'listener');
  const byFlow = (local: Address, remote: Address, t: Ns): string | undefined => {
    const named = ends.flows.get(flowKey(local, remote));
    return (named?.findLast(({ from }) => from <= t) ?? named?.[0])?.name;
  };
  const flow: Names['flow'] = ({ socket = '', local, remote, t }) => {
    const chain = chainOf(socket, t);
    if (chain?.role === 'listener') return listener(local);
    const named = chain && ends.chains.get(chainKey(chain));
    return named ?? byFlow(local, remote, t) ?? flowText(chain?.local ?? local, chain?.remote ?? remote);
  };
  return {
    connections: connections.map(({ event }) => event),
    isToldAgain: (event) =>
      event.server.endpoint === null &&
      connections.some(({ event: last }) => last.server.endpoint !== null && identityOf(last) === identityOf(event)),
    flow,
    shown: ({ state, local, remote }, t) => (state === 'LISTEN' ? listener(local) : flow({ local, remote, t })),
    timer: ({ timer, t }) => {
      const left = timers.get(timer)?.findLast((mini) => mini.t <= t);
      return left && flow(left);
    },
    endpoint: (peer, endpoint) => {
      const name = ends.endpoints.get(`${peer} ${endpoint}`);
      if (name === undefined || name === peer) return '';
      return name.endsWith(`.${peer}`) ? name.slice(0, -peer.length - 1) : name;
    },
    segment: (n) => segments.get(n),
    leavesMini: ({ socket, t, to }) => {
      const chain = to === 'CLOSED' ? chainOf(socket, t) : undefined;
      return chain !== undefined && leaving.has(chain);
    },
  };
}
