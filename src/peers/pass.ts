import type { Answer } from '../experiment/handles.ts';
import type { PeerProcess } from './process.ts';

/** Send a socket's descriptor from one peer to another, which has a copy then: its number there. */
export async function pass(from: PeerProcess, socket: number, to: PeerProcess): Promise<Answer<number>> {
  const opened = await to.ask('openMailbox', {});
  if (!opened.ok) return opened;
  const sent = await from.ask('handOver', { socket, mailbox: opened.value.name });
  if (!sent.ok) return sent;
  const taken = await to.ask('takeOver', { mailbox: opened.value.mailbox });
  return taken.ok ? { ...taken, value: taken.value.handed } : taken;
}
