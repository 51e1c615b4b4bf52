import type { CountersEvent, Event, LostEvent, Ns } from '../record/event.ts';
import type { Warning } from '../record/schema.ts';
import { warn } from '../record/warnings.ts';
import { flawsOf, foldChains } from './chains.ts';

/**
 * Whether a cell's trace is whole: no event lost, each full socket's chain legal and connected from CLOSED to CLOSED, as
 * many chains as the kernel counted connections opened. Takes all events, tear-down included; gives one warning a flaw.
 */
export function unsound(events: readonly Event[]): Warning[] {
  const warnings: Warning[] = [];
  const lost = events.filter((event): event is LostEvent => event.kind === 'lost');
  if (lost.length > 0) {
    const count = lost.reduce((sum, event) => sum + event.count, 0);
    warnings.push(warn('trace-lost-events', `the kernel dropped ${count || 'an unknown number of'} trace events`));
  }
  const chains = foldChains(events);
  for (const chain of chains) {
    for (const { code, text } of flawsOf(chain)) warnings.push(warn(code, text));
  }
  const counted = opensCounted(events);
  if (counted) {
    const opened = chains.filter(
      ({ role, begins }) => (role === 'client' || role === 'accepted') && begins <= counted.at,
    ).length;
    const begun = opened - withoutSyn(events, counted.at);
    if (begun !== counted.opens) {
      const text = `the trace has ${begun} connecting and accepted sockets, ActiveOpens + PassiveOpens is ${counted.opens}`;
      warnings.push(warn('chain-count', text));
    }
  }
  return warnings;
}

/**
 * Calls of connect(2) for which no port was free: the socket was SYN-SENT until it was looked for, and tcp_connect(), which
 * sends the SYN and counts ActiveOpens, was not reached (tcp_v4_connect() in net/ipv4/tcp_ipv4.c).
 */
const withoutSyn = (events: readonly Event[], until: Ns): number =>
  events.filter(
    (event) =>
      event.kind === 'call' && event.syscall === 'connect' && event.errno === 'EADDRNOTAVAIL' && event.t <= until,
  ).length;

/** ActiveOpens + PassiveOpens over the cell's namespaces, at their last reading; they began with 0 in new namespaces. */
function opensCounted(events: readonly Event[]): { opens: number; at: number } | undefined {
  const last = new Map<string, CountersEvent>();
  for (const event of events) if (event.kind === 'counters') last.set(event.space, event);
  if (last.size === 0) return undefined;
  let opens = 0;
  let at = 0;
  for (const { values, t } of last.values()) {
    opens += (values['Tcp.ActiveOpens'] ?? 0) + (values['Tcp.PassiveOpens'] ?? 0);
    at = Math.max(at, t);
  }
  return { opens, at };
}
