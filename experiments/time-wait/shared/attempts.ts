import { ack, data, type Endpoint, type Kind, kind, syn, synAck, type Wire } from 'lingerlab';

/**
 * How far the client's initial sequence number advanced, and the old segment that the new server accepts, if there is one: it has
 * the number that the server expects next, and acknowledges bytes of the server that the client's window covers (RFC 5961 §5.2).
 */
export async function oldSegmentThatFits(
  wire: Wire,
  old: Endpoint,
  again: Endpoint,
  { bytes, serverBytes, newBytes }: { readonly bytes: number; readonly serverBytes: number; readonly newBytes: number },
) {
  const first = await wire.seen(syn.on(old));
  const second = await wire.seen(syn.on(again), { after: first });
  const advanced = (second.segment.absolute.seq - first.segment.absolute.seq) >>> 0;
  if (advanced >= bytes) return { advanced };
  const [next, all] = [data.covering(advanced + 1), ack.withAck(serverBytes + 1)];
  const late = await wire.seen(next.from('client').on(old));
  const begins = (late.segment.absolute.seq - first.segment.absolute.seq) >>> 0;
  const follow = begins + late.segment.bytes - advanced - 1;
  const answered = await wire.seen(synAck.on(again), { after: second });
  const acknowledged = (late.segment.absolute.ack - answered.segment.absolute.seq - 1) | 0;
  const last = await wire.seen(all.from('client').on(again), { after: second });
  const scale = second.segment.options.find((option) => option.kind === 'wscale');
  const window = last.segment.window << (scale?.kind === 'wscale' ? scale.shift : 0);
  const isRecent = acknowledged >= Math.max(1, serverBytes - window) && acknowledged <= serverBytes;
  return isRecent && follow > newBytes ? { advanced, late } : { advanced };
}

/** Kernel counters that each attempt increases once more. */
const countedAgain = [
  'client.Tcp.ActiveOpens',
  'client.Tcp.EstabResets',
  'client.Tcp.OutRsts',
  'client.TcpExt.TCPAbortOnData',
  'client.TcpExt.TCPTimeWaitOverflow',
  'server.Tcp.PassiveOpens',
  'server.Tcp.EstabResets',
  'server.Tcp.OutRsts',
  'server.TcpExt.TCPTimeWaitOverflow',
] as const;

/** Facts of those counters in an experiment that tries several times: how much they rise depends on the number of attempts. */
export const countersOfAttempts = Object.fromEntries(
  countedAgain.map((name) => [
    `counters.${name}`,
    kind.count({ compare: 'measurement', text: 'change of this kernel counter in all attempts together' }),
  ]),
) as Record<`counters.${(typeof countedAgain)[number]}`, Kind<number>>;
