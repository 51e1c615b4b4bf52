import { setTimeout as sleep } from 'node:timers/promises';
import { succeeded } from '../../experiment/answer.ts';
import type { Answer, Filled, FillOptions } from '../../experiment/handles.ts';
import type { TcpInfo } from '../../tcp/info.ts';
import type { Numbered } from './registry.ts';

/** What is written at once where no number of bytes is asked for: less than a send buffer, so that net can give all of it to the kernel. */
const pieceBytes = 16_384;
/** No event comes of bytes that stay where they are. */
const pauseMs = 1;

/**
 * Has the far end read nothing more, and the near end write until the far kernel takes no more. Throws RangeError where the bytes
 * that were asked for are too few for that. The deadline of the cell bounds it.
 */
export async function fill(near: Numbered, far: Numbered, { bytes, fill }: FillOptions): Promise<Answer<Filled>> {
  const stopped = await far.peer.ask('stopReading', { endpoint: far.id });
  if (!stopped.ok) return stopped;
  const piece = { endpoint: near.id, bytes: bytes ?? pieceBytes, ...(fill !== undefined && { fill }) };
  for (let written = piece.bytes; ; written += piece.bytes) {
    const wrote = await near.peer.ask('write', piece);
    if (!wrote.ok) return wrote;
    const rested = await atRest(near);
    if (!rested.ok) return rested;
    const unsent = rested.value.notSentBytes;
    if (unsent > 0) {
      const unread = await far.peer.ask('unread', { endpoint: far.id, where: 'kernel', bytes: 1 });
      return unread.ok ? succeeded({ written, unread: unread.value, unsent }, unread.ns) : unread;
    }
    if (bytes !== undefined)
      throw new RangeError(
        `fill(): bytes: the other kernel accepted all ${bytes} bytes, so nothing is left to wait; give a larger number, or leave bytes out`,
      );
  }
}

/**
 * Waits until all that was sent is acknowledged, and nothing is left to send or the window is closed. Into one that is less than a
 * segment the kernel sends after a timeout, tcp_write_wakeup() in net/ipv4/tcp_output.c, and at the pace of a congestion control earlier.
 */
async function atRest({ peer, id }: Numbered): Promise<Answer<TcpInfo>> {
  for (;;) {
    const info = await peer.ask('info', { socket: id });
    if (!info.ok) return info;
    const { unacked, notSentBytes, windowBytes } = info.value;
    if (unacked === 0 && (notSentBytes === 0 || windowBytes === 0)) return info;
    await sleep(pauseMs);
  }
}
