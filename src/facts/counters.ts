import type { CountersEvent, Event } from '../record/event.ts';
import type { Declaration } from '../record/fact.ts';
import type { CellRecord } from '../record/schema.ts';
import { described, type Findings, kind } from './kinds.ts';
import { partsOf } from './roles.ts';

/** Counters whose change is decided by the scenario alone; others depend on timing (delayed ACKs, autotuning). */
const exactCounters = new Set([
  'Tcp.ActiveOpens',
  'Tcp.PassiveOpens',
  'Tcp.AttemptFails',
  'Tcp.EstabResets',
  'Tcp.OutRsts',
  'TcpExt.TCPAbortOnData',
  'TcpExt.TCPAbortOnClose',
  'TcpExt.TCPAbortOnLinger',
  'TcpExt.TCPAbortOnTimeout',
  'TcpExt.TCPAbortOnMemory',
  'TcpExt.TCPAbortFailed',
  'TcpExt.TCPTimeWaitOverflow',
  'TcpExt.TWRecycled',
  'TcpExt.TWKilled',
]);
const exactCounter = described('change of this kernel counter', kind.count());
const timedCounter = described('change of this kernel counter', kind.count({ compare: 'measurement' }));

type NetworkSpace = 'client' | 'server' | 'router' | 'lab';
const grammar = String.raw`\bcounters\.(client|server|router|lab)\.((?:Tcp|TcpExt)\.\w+)`;
const whole = new RegExp(`^${grammar}$`);

/** Of a counter's fact the namespace, and the counter as the kernel calls it, `TcpExt.TW`; undefined for any other name. */
export function counterNamed(name: string): { readonly space: string; readonly kernels: string } | undefined {
  const [, space, kernels] = whole.exec(name) ?? [];
  return space === undefined || kernels === undefined ? undefined : { space, kernels };
}

/** The facts of counters that a text names. */
export const countersIn = (text: string): readonly string[] => text.match(new RegExp(grammar, 'g')) ?? [];

export type CounterFact = `counters.${NetworkSpace}.${'Tcp' | 'TcpExt'}.${string}`;
const counterFact = (space: string, counter: string): string => `counters.${space}.${counter}`;

/** The declaration of a counter by the fact's name; undefined for any other fact. */
export function counterDeclaration(name: string): Declaration | undefined {
  const { of, own } = partsOf(name);
  if (of !== 'namespace') return undefined;
  return exactCounters.has(own) ? exactCounter : timedCounter;
}

/** Recorded in any case, so that one that is absent is known to have stayed as it was: Tcp.OutSegs. */
const always = 'Tcp.OutSegs';

/** Of each namespace the counters that changed. */
export function counterFindings(events: readonly Event[]): Findings {
  const found: Findings = {};
  const last = new Map<string, CountersEvent>();
  for (const event of events) if (event.kind === 'counters') last.set(event.space, event);
  for (const { space, values } of last.values()) {
    for (const [name, value] of Object.entries({ [always]: 0, ...values })) found[counterFact(space, name)] = value;
  }
  return found;
}

/**
 * What a counter without a value says. Counters are recorded where they changed: one that is absent changed by 0 if any counter of
 * its namespace was recorded, and was not observed (`null`) otherwise. Undefined for a fact that is no counter.
 */
export function absentCounter(name: string, facts: CellRecord['facts']): 0 | null | undefined {
  const { of, whose } = partsOf(name);
  if (of !== 'namespace') return undefined;
  const prefix = `counters.${whose}.`;
  for (const other in facts) if (other.startsWith(prefix) && facts[other] !== null) return 0;
  return null;
}
