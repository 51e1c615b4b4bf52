import type { Event, Ns, TransitionEvent } from '../record/event.ts';
import { type Address, addressAndPort } from '../tcp/address.ts';
import type { State } from '../tcp/states.ts';

/** One full socket's life as the tracepoint saw it: from CLOSED, or as a listener's clone, to CLOSED. */
export interface Chain {
  readonly socket: string;
  readonly role: 'client' | 'accepted' | 'listener' | 'headless';
  readonly transitions: readonly TransitionEvent[];
  readonly local: Address;
  readonly remote: Address;
  readonly begins: Ns;
  /** When the kernel gave the socket's address to the next one; Infinity where it did not. */
  readonly until: Ns;
}

interface Growing {
  socket: string;
  role: Chain['role'];
  transitions: TransitionEvent[];
  local: Address;
  remote: Address;
  begins: Ns;
  until: Ns;
}

const isTransition = (event: Event): event is TransitionEvent => event.kind === 'transition';

function roleOf({ from, to }: TransitionEvent): Chain['role'] {
  if (from === 'CLOSED' && to === 'SYN-SENT') return 'client';
  if (from === 'CLOSED' && to === 'LISTEN') return 'listener';
  // the clone of a listener announces itself as if it had been one
  if (from === 'LISTEN' && to === 'SYN-RECEIVED') return 'accepted';
  return 'headless';
}

/** All transitions in time order: several CPUs' buffers arrive one after the other. */
export const transitionsOf = (events: readonly Event[]): TransitionEvent[] =>
  events.filter(isTransition).sort((a, b) => a.t - b.t);

/** Fold transitions into socket lifetimes: the kernel uses a socket's address again only after its →CLOSED. */
export function foldChains(events: readonly Event[]): Chain[] {
  const chains: Growing[] = [];
  const open = new Map<string, Growing>();
  const latest = new Map<string, Growing>();
  for (const event of transitionsOf(events)) {
    const role = roleOf(event);
    let chain = open.get(event.socket);
    if (!chain || role !== 'headless') {
      const { t, socket, local, remote } = event;
      chain = { socket, role, transitions: [], local, remote, begins: t, until: Number.POSITIVE_INFINITY };
      const before = latest.get(socket);
      if (before) before.until = t;
      chains.push(chain);
      open.set(socket, chain);
      latest.set(socket, chain);
    }
    chain.transitions.push(event);
    // a connecting socket has no port yet at its first transition
    if (event.local.port !== 0) chain.local = event.local;
    if (event.remote.port !== 0) chain.remote = event.remote;
    if (event.to === 'CLOSED') open.delete(event.socket);
  }
  return chains;
}

/**
 * Steps a Linux socket takes, RFC 9293 §3.3.2 with the RST and timeout exits; TIME-WAIT is never a full socket's. A second
 * close, after shutdown(2), announces the state that the socket is in already: tcp_close_state() in net/ipv4/tcp.c.
 */
const legal: Readonly<Record<State, readonly State[]>> = {
  CLOSED: ['SYN-SENT', 'LISTEN'],
  LISTEN: ['SYN-RECEIVED', 'CLOSED'],
  'SYN-SENT': ['ESTABLISHED', 'SYN-RECEIVED', 'CLOSED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSED'],
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT', 'CLOSED'],
  'FIN-WAIT-1': ['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'CLOSED'],
  'FIN-WAIT-2': ['FIN-WAIT-2', 'CLOSED'],
  'CLOSE-WAIT': ['LAST-ACK', 'CLOSED'],
  CLOSING: ['CLOSING', 'CLOSED'],
  'LAST-ACK': ['LAST-ACK', 'CLOSED'],
  'TIME-WAIT': [],
};

/** What is wrong with a chain, and the code of its warning. */
export interface Flaw {
  readonly code: 'chain-illegal' | 'chain-open';
  readonly text: string;
}

/** What is wrong with a chain: an illegal step, a gap, a missing beginning or end. Empty for a sound one. */
export function flawsOf(chain: Chain): Flaw[] {
  const name = `${chain.role} ${addressAndPort(chain.local)} to ${addressAndPort(chain.remote)}`;
  const flaws: Flaw[] = [];
  const illegal = (text: string) => void flaws.push({ code: 'chain-illegal', text });
  if (chain.role === 'headless') illegal(`${name} begins with ${chain.transitions[0]?.from}, not CLOSED`);
  let previous: State | undefined;
  for (const { from, to } of chain.transitions) {
    if (previous !== undefined && previous !== from) illegal(`${name}: ${previous} is followed by ${from}→${to}`);
    if (!legal[from].includes(to)) illegal(`${name}: ${from}→${to} is no legal step`);
    previous = to;
  }
  if (previous !== 'CLOSED') flaws.push({ code: 'chain-open', text: `${name} ends in ${previous}, not CLOSED` });
  return flaws;
}

/** Whether an event that names the chain's socket is of this life of it: its RST may come after its →CLOSED. */
export const isOf = (chain: Chain, { socket, t }: { readonly socket: string; readonly t: Ns }): boolean =>
  socket === chain.socket && t >= chain.begins && t < chain.until;

/** When the chain entered a state for the first time. */
export const enteredAt = (chain: Chain | undefined, ...wanted: readonly State[]): Ns | undefined =>
  chain?.transitions.find(({ to }) => wanted.includes(to))?.t;
