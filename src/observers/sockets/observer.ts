import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { insideNamespace } from '../../native/namespaces.ts';
import type { SampleEvent, SamplerName, SsSocket } from '../../record/event.ts';
import { parseSockstat } from '../../tcp/counters.ts';
import type { Metered, Observer } from '../observer.ts';
import { dumpSockets } from './netlink.ts';
import { startSs } from './ss.ts';
import { parseSs } from './ss-text.ts';

/** With more of them `ss` takes tens of ms, and its reader again: they are counted by sockstat, which takes 10 µs. */
const mostTimeWaits = 2000;
const timeWaitsHere = (): number => parseSockstat(readFileSync('/proc/thread-self/net/sockstat', 'utf8')).tw;

/** The sockets of a namespace. */
interface Looked {
  readonly sockets: readonly SsSocket[];
  /** Lines that were not understood. */
  readonly unread: readonly string[];
  /** Empty where it succeeded. */
  readonly problem: string;
}
/** Rejects only with NO_ANSWER. */
type Look = (namespace: number, timeWaits: boolean, metered: Metered) => Promise<Looked>;

async function throughSs(namespace: number, timeWaits: boolean, metered: Metered): Promise<Looked> {
  const ss = metered(() => insideNamespace(namespace, () => startSs(timeWaits)));
  const { stdout, problem } = await ss;
  return problem === '' ? { ...metered(() => parseSs(stdout)), problem } : { sockets: [], unread: [], problem };
}

async function throughNetlink(namespace: number, timeWaits: boolean, metered: Metered): Promise<Looked> {
  try {
    const found = metered(() => insideNamespace(namespace, () => dumpSockets(timeWaits)));
    return { sockets: found, unread: [], problem: '' };
  } catch (error) {
    return { sockets: [], unread: [], problem: messageOf(error) };
  }
}

/** Ways to look: by `ss`, which anyone can repeat, or by asking the kernel as `ss` does, for rates that a process cannot reach. */
const looks: Readonly<Record<SamplerName, Look>> = { ss: throughSs, netlink: throughNetlink };

/** All TCP sockets of a namespace, mini-sockets among them, with their timers. */
export const sockets: Observer = {
  name: 'sockets',
  open: ({ now, sampler }) => ({
    async look({ space: { name, fd }, metered, complain }) {
      const t = now();
      const timeWaits = metered(() => insideNamespace(fd, timeWaitsHere));
      const leaves = timeWaits > mostTimeWaits;
      const looked = await looks[sampler](fd, !leaves, metered);
      // a namespace that went while ss was being started gives nothing
      if (looked.problem !== '') {
        complain(`${sampler} failed: ${looked.problem}`);
        return [];
      }
      for (const line of looked.unread) complain(line);
      const sample: SampleEvent = {
        t,
        until: now(),
        source: sampler,
        kind: 'sample',
        space: name,
        sockets: looked.sockets,
        ...(leaves && { leftOut: timeWaits }),
        ...(looked.unread.length > 0 && { unread: looked.unread.length }),
      };
      return [sample];
    },
  }),
};
