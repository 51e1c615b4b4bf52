import { messageOf } from '../../errors.ts';
import { insideNamespace } from '../../native/namespaces.ts';
import type { SamplerName, SsSocket } from '../../record/event.ts';
import { dumpSockets } from '../netlink/dump.ts';
import { parseSs } from '../ss/parse.ts';
import { startSs } from './ss.ts';

/** The sockets of a namespace. */
export interface Looked {
  readonly sockets: readonly SsSocket[];
  /** Lines that were not understood. */
  readonly unread: readonly string[];
  /** Empty where it succeeded. */
  readonly problem: string;
}

/** Runs synchronous work, and keeps account of the CPU that it takes. */
export type Metered = <T>(work: () => T) => T;
/** Rejects with NO_ANSWER only. */
export type Look = (namespace: number, timeWaits: boolean, metered: Metered) => Promise<Looked>;

async function throughSs(namespace: number, timeWaits: boolean, metered: Metered): Promise<Looked> {
  const ss = metered(() => insideNamespace(namespace, () => startSs(timeWaits)));
  const { stdout, problem } = await ss;
  return problem === '' ? { ...metered(() => parseSs(stdout)), problem } : { sockets: [], unread: [], problem };
}

async function throughNetlink(namespace: number, timeWaits: boolean, metered: Metered): Promise<Looked> {
  try {
    const sockets = metered(() => insideNamespace(namespace, () => dumpSockets(timeWaits)));
    return { sockets, unread: [], problem: '' };
  } catch (error) {
    return { sockets: [], unread: [], problem: messageOf(error) };
  }
}

/** Ways to look: by `ss`, which anyone can repeat, or by asking the kernel as `ss` does, for rates that a process cannot reach. */
export const looks: Readonly<Record<SamplerName, Look>> = { ss: throughSs, netlink: throughNetlink };
