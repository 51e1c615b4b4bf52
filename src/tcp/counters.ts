/** Text that is not what /proc/net/snmp, netstat or sockstat contain. */
export class CountersError extends Error {
  override readonly name = 'CountersError';
}

const groups: ReadonlySet<string> = new Set(['Tcp', 'TcpExt']);

/** Values of the moment or of the configuration, not counts of what happened (RFC 4022 names them gauges and constants). */
const gauges: ReadonlySet<string> = new Set([
  'Tcp.RtoAlgorithm',
  'Tcp.RtoMin',
  'Tcp.RtoMax',
  'Tcp.MaxConn',
  'Tcp.CurrEstab',
]);

/** Whether the kernel's value of this name is of the moment, or a setting: what changed of it is not recorded. */
export const isGauge = (name: string): boolean => gauges.has(name);

/**
 * The Tcp and TcpExt counters of a namespace by name, `Tcp.ActiveOpens`, from /proc/net/snmp and /proc/net/netstat.
 * Throws CountersError where names and values do not pair up or a group is absent.
 */
export function parseCounters(snmpText: string, netstatText: string): Record<string, number> {
  const values: Record<string, number> = {};
  readPairs(snmpText, values);
  readPairs(netstatText, values);
  if (!('Tcp.ActiveOpens' in values)) throw new CountersError('no Tcp counters in /proc/net/snmp');
  if (!('TcpExt.TCPTimeouts' in values)) throw new CountersError('no TcpExt counters in /proc/net/netstat');
  return values;
}

/**
 * The names of the Tcp and TcpExt counters that this kernel has: of one that is absent nothing is known, of one that did not change
 * that it is 0. Gauges are left out. Throws CountersError as {@link parseCounters}.
 */
export const counterNames = (snmpText: string, netstatText: string): string[] =>
  Object.keys(parseCounters(snmpText, netstatText)).filter((name) => !gauges.has(name));

/** Counters that differ, with the difference; gauges are left out. */
export function changes(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const differences: Record<string, number> = {};
  for (const [name, value] of Object.entries(after)) {
    const difference = value - (before[name] ?? 0);
    if (difference !== 0 && !gauges.has(name)) differences[name] = difference;
  }
  return differences;
}

/** Two lines a group, `Tcp: names` and `Tcp: values`, as the kernel's snmp_seq_show and netstat_seq_show print them. */
function readPairs(text: string, into: Record<string, number>): void {
  const lines = text.split('\n');
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [group = '', ...names] = lines[at]!.split(' ');
    const name = group.slice(0, -1);
    if (!groups.has(name)) continue;
    const [sameGroup, ...numbers] = lines[at + 1]!.split(' ');
    if (sameGroup !== group || numbers.length !== names.length) throw new CountersError(`${group} values do not match`);
    for (const [index, counter] of names.entries()) into[`${name}.${counter}`] = integer(numbers[index]!, counter);
  }
}

/** What /proc/net/sockstat and sockstat6 say of TCP. */
export interface Sockstat {
  /** Full sockets of this namespace, by family. */
  readonly inuse: number;
  /** Absent where the text has no TCP6 line: that is in sockstat6. */
  readonly inuse6?: number;
  /** TIME-WAIT and FIN-WAIT-2 mini-sockets of this namespace, both families. */
  readonly tw: number;
  /** Of the whole host. */
  readonly orphan: number;
  /** Of the whole host. */
  readonly alloc: number;
  /** Of the whole host, in pages. */
  readonly mem: number;
}

/** Parse /proc/net/sockstat, with or without /proc/net/sockstat6 appended. Throws CountersError without a TCP line. */
export function parseSockstat(text: string): Sockstat {
  const tcp = fieldsOf(text, 'TCP:');
  const field = (name: string): number => {
    const value = tcp?.get(name);
    if (value === undefined) throw new CountersError(`no TCP ${name} in /proc/net/sockstat`);
    return integer(value, name);
  };
  const inuse6 = fieldsOf(text, 'TCP6:')?.get('inuse');
  return {
    inuse: field('inuse'),
    ...(inuse6 === undefined ? {} : { inuse6: integer(inuse6, 'TCP6 inuse') }),
    tw: field('tw'),
    orphan: field('orphan'),
    alloc: field('alloc'),
    mem: field('mem'),
  };
}

function fieldsOf(text: string, label: string): Map<string, string> | undefined {
  const words = text
    .split('\n')
    .find((line) => line.startsWith(`${label} `))
    ?.trim()
    .split(' ');
  if (!words) return undefined;
  const fields = new Map<string, string>();
  for (let at = 1; at + 1 < words.length; at += 2) fields.set(words[at]!, words[at + 1]!);
  return fields;
}

function integer(text: string, name: string): number {
  if (!/^-?\d+$/.test(text)) throw new CountersError(`${name} is not a number: ${text}`);
  return Number(text);
}
