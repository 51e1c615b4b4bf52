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
