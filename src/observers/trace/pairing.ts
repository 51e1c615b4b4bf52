import type { Event, MiniTimerEvent, Ns, TransitionEvent } from '../../record/event.ts';
import type { State } from '../../tcp/states.ts';

/**
 * tcp_time_wait() starts the mini-socket's timer and then closes the full socket with softirqs off on one CPU
 * (net/ipv4/tcp_minisocks.c): 3 µs apart when measured. An interrupt can come between, so the limit is generous; what
 * bounds mistakes is that no other socket's closing may lie between on that CPU. A hypervisor can take the CPU away for longer: seen once in
 * some ten thousand closes on a busy host. Then the start may be another socket's, and samples have to show what became of this one.
 */
const handOverNs: Ns = 200_000;
/** No hypervisor was seen to take a CPU away for longer. */
const stolenNs: Ns = 200_000_000;

/**
 * Joins mini-sockets' timers, which carry no address, to the full sockets that left them. Takes each CPU's events in the
 * order of that CPU's buffer; gives back the events a record keeps, foreign timers left out.
 */
export interface Pairing {
  take(event: Event): Event[];
}

/** tcp_time_wait() is called for sockets in these states only. */
const leavesMini: ReadonlySet<State> = new Set(['FIN-WAIT-2', 'CLOSING']);

export function makePairing(): Pairing {
  const started = new Map<number, MiniTimerEvent>();
  const ours = new Set<string>();

  /** A start that no closing followed: a restart of a mini-socket of ours, or nothing to us. */
  const unpaired = (cpu: number): Event[] => {
    const start = started.get(cpu);
    started.delete(cpu);
    return start && ours.has(start.timer) ? [start] : [];
  };

  /** A restart that no event of its CPU has followed yet comes before the timer's end, on whichever CPU that is. */
  const restartOf = ({ timer, t }: MiniTimerEvent): Event[] => {
    for (const [cpu, start] of started) if (start.timer === timer && start.t < t) return unpaired(cpu);
    return [];
  };

  /** Any transition ends the hand-over, its own →CLOSED or not: the CPU went on to another socket. */
  const transition = (event: TransitionEvent): Event[] => {
    const start = started.get(event.cpu);
    const handsOver = event.to === 'CLOSED' && leavesMini.has(event.from);
    const passed = start && handsOver ? event.t - start.t : Number.POSITIVE_INFINITY;
    if (!start || passed > stolenNs) return [...unpaired(event.cpu), event];
    if (passed > handOverNs) return [...unpaired(event.cpu), { ...event, handOver: 'unclear' }];
    started.delete(event.cpu);
    ours.add(start.timer);
    const { socket, local, remote } = event;
    return [{ ...start, kind: 'mini-socket', socket, local, remote }, event];
  };

  return {
    take(event) {
      switch (event.kind) {
        case 'mini-timer-start': {
          const before = unpaired(event.cpu);
          started.set(event.cpu, event);
          return before;
        }
        case 'mini-timer-expire': {
          const before = restartOf(event);
          return ours.delete(event.timer) ? [...before, event] : [];
        }
        case 'transition':
          return transition(event);
        default:
          return [event];
      }
    },
  };
}
