import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { readAvailable } from '../../native/libc.ts';
import type { Event, Ns } from '../../record/event.ts';
import type { Address } from '../../tcp/address.ts';
import type { Observer, OpenObserver, RunContext } from '../observer.ts';
import { type Decode, decoder } from './decode.ts';
import { type EventFormat, parseFormat, TraceError } from './format.ts';
import { decodePage, type PageLayout, parseHeaderPage, type RawRecord } from './page.ts';
import { makePairing } from './pairing.ts';
import { findTracefs, type Instance, makeInstance, reapInstances } from './tracefs.ts';

/**
 * The tracepoints of a run: everything that happens to sockets of its ports, from every namespace. Where they cannot be had, it
 * sees nothing and reports why.
 */
export const tracepoints: Observer = {
  name: 'tracepoints',
  open(run) {
    let reaped: string[] = [];
    let instance: Instance | undefined;
    try {
      const tracefs = findTracefs();
      reaped = reapInstances(tracefs);
      instance = makeInstance(tracefs, run.ports.from);
      if (!instance) return undefined;
      return tracing(instance, run, reaped);
    } catch (error) {
      instance?.[Symbol.dispose]();
      return { opened: { trace: { ...nothing, missing: messageOf(error) }, reaped } };
    }
  },
};

const nothing = { transitions: false, resets: false, retransmits: false, miniTimers: false, instance: '' } as const;

const transitionEvent = 'events/sock/inet_sock_set_state';
const segmentEvents = {
  resets: ['events/tcp/tcp_send_reset', 'events/tcp/tcp_receive_reset'],
  retransmits: ['events/tcp/tcp_retransmit_skb', 'events/tcp/tcp_retransmit_synack'],
} as const;
const timerEvents = ['events/timer/timer_start', 'events/timer/timer_expire_entry'] as const;

function tracing(instance: Instance, { ports, origin, now }: RunContext, reaped: readonly string[]): OpenObserver {
  const formats = new Map<string, EventFormat>();
  /** `filters`: ways to say what is wanted, each asked for where the kernel refused those before; null from one that has none. */
  const enable = (event: string, filters: readonly ((format: EventFormat) => string | null)[], orAll = false) => {
    if (!instance.has(event)) return false;
    const format = parseFormat(instance.read(`${event}/format`));
    for (const filterOf of filters) {
      try {
        const filter = filterOf(format);
        if (filter !== null) instance.write(`${event}/filter`, filter);
        else if (!orAll) continue;
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
  const traced: Traced = { ...ports, named: [] };
  const byPort = (event: string) => enable(event, [(format) => portFilter(format, traced)], true);
  // the kernel takes 50 ms to write all its symbols
  const timerFilters = [() => miniTimerFilter, () => miniTimerFilterByAddress(readFileSync('/proc/kallsyms', 'utf8'))];
  const miniTimers = timerEvents.every((event) => enable(event, timerFilters));
  const resets = segmentEvents.resets.every(byPort);
  const retransmits = segmentEvents.retransmits.every(byPort);
  if (!byPort(transitionEvent)) throw new Error('this kernel has no tracepoint sock:inet_sock_set_state');

  const layout = parseHeaderPage(instance.read('events/header_page'));
  const decode = decoder([...formats.values()], { origin });
  const trace = { missing: '', transitions: true, resets, retransmits, miniTimers, instance: instance.name };
  return {
    opened: { trace, reaped },
    drain: reader(instance, layout, decode, traced, now),
    follow(named) {
      traced.named = named;
      // the kernel takes the new filter for the old one at once: no event is missed between them
      for (const [event, format] of formats) {
        const filter = portsOf(format) && portFilter(format, traced);
        if (filter) instance.write(`${event}/filter`, filter);
      }
    },
    close: () => instance[Symbol.dispose](),
  };
}

/** Not smaller than a sub-buffer, which is a page (64 KiB at the most): one read(2) gives one, a shorter read half of one. */
const pageBytes = 64 * 1024;

function reader(
  { buffers }: Instance,
  layout: PageLayout,
  decode: Decode,
  traced: Traced,
  now: () => Ns,
): () => Event[] {
  const page = Buffer.alloc(pageBytes);
  const pairing = makePairing();
  const wanted = (event: Event) => !('local' in event) || withinPorts(event, traced);
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
  const inTurn = inTimeOrder();
  return () => {
    const began = now();
    return inTurn(began, buffers.flatMap(readBuffer)).flatMap((event) => pairing.take(event));
  };
}

/**
 * Gives events of several CPUs in time order, not CPU by CPU: one CPU's mini-socket may take the timer's address that another's has
 * just given back, and a socket the address of another. What happened after a reading `began` waits for the next one: the buffers
 * are read one after the other, and what came before it may be in one that had been read.
 */
export function inTimeOrder(): (began: Ns, read: readonly Event[]) => Event[] {
  let waiting: readonly Event[] = [];
  return (began, read) => {
    const all = [...waiting, ...read].sort((a, b) => a.t - b.t);
    const later = all.findIndex(({ t, kind }) => t > began && kind !== 'lost');
    waiting = later < 0 ? [] : all.slice(later);
    return later < 0 ? all : all.slice(0, later);
  };
}

/** The ports at which everything is traced, at either end: the run's block, and others. */
export interface Traced {
  readonly from: number;
  /** One past the block's last. */
  readonly to: number;
  named: readonly number[];
}

const portsOf = ({ fields }: EventFormat): boolean => fields.has('sport') && fields.has('dport');

/**
 * The event's filter for ports, in terms of the fields that this kernel's event has. Null where it has no ports in fields of
 * their own: such events are let through by {@link withinPorts} only.
 */
export function portFilter(format: EventFormat, { from, to, named }: Traced): string | null {
  if (!portsOf(format)) return null;
  const block = `(sport >= ${from} && sport < ${to}) || (dport >= ${from} && dport < ${to})`;
  const ports = [block, ...named.map((port) => `sport == ${port} || dport == ${port}`)].join(' || ');
  return format.fields.has('protocol') ? `protocol == 6 && (${ports})` : ports;
}

/** Whether a flow has such a port at either end: what {@link portFilter} asks of the kernel. */
export function withinPorts(
  { local, remote }: { readonly local: Address; readonly remote: Address },
  { from, to, named }: Traced,
): boolean {
  const isTraced = ({ port }: Address) => (port >= from && port < to) || named.includes(port);
  return isTraced(local) || isTraced(remote);
}

/** The kernel function that ends a mini-socket: TIME-WAIT's, or an orphan's FIN-WAIT-2. */
export const miniTimerFunction = 'tw_timer_handler';

/** The filter of `timer_start` and `timer_expire_entry` for the timers of mini-sockets, on kernels that know `.function` (not 6.1). */
export const miniTimerFilter = `function.function == ${miniTimerFunction}`;

/**
 * The same by the function's address, for kernels that refuse {@link miniTimerFilter}: from the text of /proc/kallsyms.
 * Null where the address is absent or hidden (kernel.kptr_restrict).
 */
export function miniTimerFilterByAddress(kallsyms: string): string | null {
  const address = new RegExp(`^([0-9a-f]+) \\w ${miniTimerFunction}$`, 'm').exec(kallsyms)?.[1];
  return address === undefined || /^0+$/.test(address) ? null : `function == 0x${address}`;
}
