import type { Warning } from './schema.ts';

/** Every warning a run can carry, with what its reader can do about it. Codes are stable: scripts may select by them. */
export const warningRemedies = {
  'claim-applies-to-no-cell': "correct the claim's `when`, or the factor values that it speaks of",
  'trace-lost-events': 'run fewer cells at once (--jobs), or leave the machine alone while the run goes on',
  'chain-illegal': 'keep the record (events.ndjson.gz) and report it: an observer missed a transition or misread one',
  'chain-open': 'raise `seconds` of the experiment if the socket was still closing; otherwise report it',
  'chain-count': 'run the cell again alone (--jobs 1); if it stays, the tracepoints miss sockets on this kernel',
  'observers-disagree': 'trust neither: read the record (events.ndjson.gz), and report it if it comes again',
  'facts-contradict':
    'trust none of the two: keep the record (events.ndjson.gz), and report it: a fact was derived wrongly',
  'ss-unparsed-line': 'report the line with the version of iproute2: its output has changed',
  'tracepoints-unavailable':
    'run as root, with tracefs mounted, to see every transition; `lingerlab doctor` says what is missing',
  'sysctl-refused':
    'of cubic: on the host, add it to what net.ipv4.tcp_allowed_congestion_control has, after `modprobe tcp_cubic` where it is not among the available ones',
  'sysctl-left-out': 'correct the line, or take it out of the file',
  'sysctl-overridden':
    "select other cells, or read these as they are: an experiment's own sysctls are part of its question, and win",
  'wire-fell-behind':
    'run again with the machine to itself (--jobs 1): what the wire did late is not what its rules said',
  'wire-refused':
    'look at the packet in wire.pcapng; where that is the question, say so: wire.injectRaw(from, bytes, { mayBeRefused: true })',
  'wire-still-holds':
    'end it in the scenario, by release() or discard() of the rule; `times` says how many packets a rule acts on',
  'clean-up-failed': '`lingerlab doctor` removes what a run that has ended left on this machine',
  'program-not-ended':
    'see what holds it (`cat /proc/PID/stack`, as root): the kernel ends it when that lets go; until then the namespaces of its cell stay, too',
  'torn-line': 'the run was cut off while it wrote; `lingerlab run --resume` runs that cell again',
  'doubled-line': 'the file was edited, or joined of several runs: remove all but one of these lines',
} as const satisfies Record<string, string>;
export type WarningCode = keyof typeof warningRemedies;

/** A warning: its code, one sentence, and the code's remedy. */
export const warn = (code: WarningCode, text: string): Warning => ({ code, text, remedy: warningRemedies[code] });
