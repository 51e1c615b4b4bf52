/** Connection states as RFC 9293 §3.3.2 names them: the only spelling a user sees. */
export const states = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;
export type State = (typeof states)[number];

/** One end of one connection: `client` connected, `server` accepted. */
export type End = 'client' | 'server';
export const ends = ['client', 'server'] as const satisfies readonly End[];
export const otherEnd = (end: End): End => (end === 'client' ? 'server' : 'client');

/**
 * include/net/tcp_states.h, the numbers of `tcpi_state` and of tracepoints: TCP_NEW_SYN_RECV (12) is a request,
 * TCP_BOUND_INACTIVE (13) a socket that is only bound.
 */
const numbered: readonly (State | undefined)[] = [
  undefined,
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECEIVED',
  'CLOSED',
];

/** The state with this number in the kernel; undefined for no TCP state. */
export const stateNumbered = (value: number): State | undefined => numbered[value];
