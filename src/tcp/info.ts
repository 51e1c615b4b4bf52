import type { State } from './states.ts';

/** What TCP_INFO says of an open descriptor, tcp(7). */
export interface TcpInfo {
  readonly state: State;
  readonly retransmits: number;
  /** tcpi_unacked: segments that were sent and not acknowledged; what was never sent is not among them. */
  readonly unacked: number;
  readonly rtoUs: number;
  readonly rttUs: number;
  /** tcpi_notsent_bytes: in the send queue, and never sent. */
  readonly notSentBytes: number;
  /** tcpi_snd_wnd: the window that the other end announced last, bytes. */
  readonly windowBytes: number;
  /** tcpi_snd_mss: what a segment carries, bytes. */
  readonly segmentBytes: number;
}

/** What a connected socket's kernel holds of either direction, and what has passed, in bytes. */
export interface Queues {
  readonly state: State;
  /** Sent at least once: tcpi_bytes_sent without tcpi_bytes_retrans, neither of which counts SYN or FIN. */
  readonly sent: number;
  /** In the send queue and never sent; a FIN that waits behind it is one more. */
  readonly unsent: number;
  /** Acknowledged by the other end; the SYN of the end that connected, and a FIN, are one each. */
  readonly acked: number;
  /** Received in order; a FIN is one more. */
  readonly received: number;
  /** In the receive queue: SIOCINQ. */
  readonly unread: number;
}
