import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { readAvailable } from '../../native/libc.ts';
import type { Event, Ns } from '../../record/event.ts';
import type { TraceSight } from '../protocol.ts';
import { type Decode, decoder } from '../trace/decode.ts';
import { TraceError } from '../trace/error.ts';
import { miniTimerFilter, miniTimerFilterByAddress, portFilter, withinPorts } from '../trace/filter.ts';
import { type EventFormat, parseFormat } from '../trace/format.ts';
import { decodePage, type PageLayout, parseHeaderPage, type RawRecord } from '../trace/page.ts';
import { makePairing } from '../trace/pairing.ts';
import { findTracefs, type Instance, makeInstance, reapInstances } from './tracefs.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The tracepoints of a run: everything that happens to sockets of its ports, from every namespace. */
export interface Trace extends Disposable {
  readonly sight: TraceSight;
  readonly reaped: readonly string[];
  /** What the buffers hold, each CPU's in order; never blocks. */
  read(): Event[];
}

const transitionEvent = 'events/sock/inet_sock_set_state';
const segmentEvents = {
  resets: ['events/tcp/tcp_send_reset', 'events/tcp/tcp_receive_reset'],
  retransmits: ['events/tcp/tcp_retransmit_skb', 'events/tcp/tcp_retransmit_synack'],
} as const;
const timerEvents = ['events/timer/timer_start', 'events/timer/timer_expire_entry'] as const;

const blind = (why: string, reaped: readonly string[] = []): Trace => ({
  sight: { missing: why, transitions: false, resets: false, retransmits: false, miniTimers: false, instance: '' },
  reaped,
  read: () => [],
  [Symbol.dispose]: () => undefined,
});

/**
 * Start tracing; where that cannot be had, a trace that sees nothing and says why. undefined where another run of this kernel
 * has these ports.
 */
export function openTrace(ports: PortRange, origin: bigint, now: () => Ns): Trace | undefined {
  let reaped: string[] = [];
  let instance: Instance | undefined;
  try {
    const tracefs = findTracefs();
    reaped = reapInstances(tracefs);
    instance = makeInstance(tracefs, ports.from);
    if (!instance) return undefined;
    return tracing(instance, ports, origin, now, reaped);
  } catch (error) {
    instance?.[Symbol.dispose]();
    return blind(messageOf(error), reaped);
  }
}

function tracing(instance: Instance, ports: PortRange, origin: bigint, now: () => Ns, reaped: string[]): Trace {
  const formats = new Map<string, EventFormat>();
  const enable = (event: string, filters: readonly (string | null)[] | ((format: EventFormat) => string | null)) => {
    if (!instance.has(event)) return false;
    const format = parseFormat(instance.read(`${event}/format`));
    const choices = typeof filters === 'function' ? [filters(format)] : filters;
    for (const filter of choices) {
      try {
        if (filter !== null) instance.write(`${event}/filter`, filter);
        else if (typeof filters !== 'function') continue;
        formats.set(event, format);
        instance.write(`${event}/enable`, '1');
        return true;
      } catch {
        // this kernel refuses the filter: the next way to say it
        formats.delete(event);
      }
    }
    return false;
  };
  const byPort = (format: EventFormat) => portFilter(format, ports.from, ports.to);
  const timerFilters = [miniTimerFilter, miniTimerFilterByAddress(readFileSync('/proc/kallsyms', 'utf8'))];
  const miniTimers = timerEvents.every((event) => enable(event, timerFilters));
  const resets = segmentEvents.resets.every((event) => enable(event, byPort));
  const retransmits = segmentEvents.retransmits.every((event) => enable(event, byPort));
  if (!enable(transitionEvent, byPort)) throw new Error('this kernel has no tracepoint sock:inet_sock_set_state');

  const layout = parseHeaderPage(instance.read('events/header_page'));
  const decode = decoder([...formats.values()], { origin });
  return {
    sight: { missing: '', transitions: true, resets, retransmits, miniTimers, instance: instance.name },
    reaped,
    read: reader(instance, layout, decode, ports, now),
    [Symbol.dispose]: () => instance[Symbol.dispose](),
  };
}

/** Not smaller than a sub-buffer, which is a page (64 KiB at the most): one read(2) gives one, a shorter read half of one. */
const pageBytes = 64 * 1024;

function reader(
  { buffers }: Instance,
  layout: PageLayout,
  decode: Decode,
  ports: PortRange,
  now: () => Ns,
): () => Event[] {
  const page = Buffer.alloc(pageBytes);
  const pairing = makePairing();
  const wanted = (event: Event) => !('local' in event) || withinPorts(event, ports.from, ports.to);
  /** A record that makes no sense is as good as lost; the others of its page are good. */
  const decodeOr = (record: RawRecord, cpu: number): Event | undefined => {
    try {
      return decode(record, cpu);
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      return { t: now(), source: 'trace', kind: 'lost', cpu, count: 1 };
    }
  };
  const readPage = (cpu: number, bytes: Buffer): Event[] => {
    const { records, missed, damage } = decodePage(bytes, layout);
    const lost: Event[] =
      missed !== 0 || damage
        ? [{ t: now(), source: 'trace', kind: 'lost', cpu, count: typeof missed === 'number' ? missed : 0 }]
        : [];
    return [...lost, ...records.flatMap((record) => decodeOr(record, cpu) ?? []).filter(wanted)];
  };
  const readBuffer = ({ cpu, fd }: Instance['buffers'][number]): Event[] => {
    const events: Event[] = [];
    for (;;) {
      const length = readAvailable(fd, page);
      if (length <= 0) return events;
      events.push(...readPage(cpu, page.subarray(0, length)));
    }
  };
  // one CPU's mini-socket may take the timer's address that another's has just given back: in time order, not CPU by CPU
  return () =>
    buffers
      .flatMap(readBuffer)
      .sort((a, b) => a.t - b.t)
      .flatMap((event) => pairing.take(event));
}
