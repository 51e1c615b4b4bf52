type ServerCounter = `counters.server.TcpExt.${string}`;

/**
 * Segments that PAWS has refused at the server's TIME-WAIT: Linux before 6.16 has no PAWSTimewait, and counts them as PAWSEstab. Reading
 * the latter, which every kernel has, asks whether the counters were read at all.
 */
export const refusedByPaws = (facts: Readonly<Record<ServerCounter, number | undefined>>): number =>
  (facts['counters.server.TcpExt.PAWSEstab'] ?? 0) +
  ('counters.server.TcpExt.PAWSTimewait' in facts ? (facts['counters.server.TcpExt.PAWSTimewait'] ?? 0) : 0);
