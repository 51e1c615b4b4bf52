import type { Warning } from './schema.ts';

/** Remedy for each warning of a run. Codes are stable: scripts may select by them. */
export const warningRemedies = {
  'claim-applies-to-no-cell': "correct the claim's `when`, or the factor values that `when` compares",
  'trace-lost-events': 'run fewer cells at once (--jobs), with no other load on the machine',
  'chain-illegal': 'keep events.ndjson.gz of this cell and report it: an observer missed or misread a state transition',
  'chain-open': 'raise `seconds` of the experiment if the socket was still closing; otherwise report it',
  'chain-count':
    'run the cell again with --jobs 1; if the warning remains, the tracepoints miss sockets on this kernel',
  'observers-disagree': 'rely on neither value; if the warning appears again, keep events.ndjson.gz and report it',
  'facts-contradict': 'rely on neither fact; keep events.ndjson.gz and report it: lingerlab derived a fact wrongly',
  'ss-unparsed-line': 'report the line with the output of `ss -V`: this version of iproute2 prints another format',
  'tracepoints-unavailable': 'run as root, with tracefs mounted; `lingerlab doctor` prints what is missing',
  'sysctl-refused': 'compare this run only with runs that have the same value: report.md lists it among the sysctls',
  'sysctl-left-out': 'correct the line, or remove it from the file',
  'sysctl-overridden':
    "select other cells: an experiment's own sysctls are part of its question, and take precedence over --sysctl",
  'wire-fell-behind': 'run the cell again with --jobs 1 on an idle machine: the wire acted later than its rules say',
  'wire-refused':
    'look at the packet in wire.pcapng; if the refusal is intended, use wire.injectRaw(from, bytes, { mayBeRefused: true })',
  'wire-still-holds':
    'call release() or discard() of the rule in the scenario, or limit with `times` how many packets the rule holds',
  'clean-up-failed': 'run `lingerlab doctor`: it removes what an ended run left on this machine',
  'namespace-kept': 'nothing needs to be done: the namespace goes with its sockets, or when this machine restarts',
  'program-not-ended':
    'run `cat /proc/PID/stack` as root to see what blocks the program; its namespaces stay until the kernel ends it',
  'torn-line': 'run `lingerlab run --resume` with this folder: it runs the cell of that line again',
  'other-results': 'run the cells that are missing by --resume, or put the file back: it was edited or cut',
  'doubled-line': 'remove all but one of these lines: the file was edited, or joined from several runs',
} as const satisfies Record<string, string>;
export type WarningCode = keyof typeof warningRemedies;

/** Makes a warning of a code, one sentence, and the code's remedy. */
export const warn = (code: WarningCode, text: string): Warning => ({ code, text, remedy: warningRemedies[code] });
