import { readFileSync } from 'node:fs';
import { insideNamespace } from '../../native/namespaces.ts';
import type { CountersEvent } from '../../record/event.ts';
import { changes, parseCounters } from '../../tcp/counters.ts';
import type { Observer } from '../observer.ts';

/** The kernel's Tcp and TcpExt counters of a namespace, which began with zeros when it was made. */
export const counters: Observer = {
  name: 'counters',
  open: ({ now }) => ({
    total({ name, fd }) {
      const [snmp, netstat] = insideNamespace(fd, () => [
        readFileSync('/proc/thread-self/net/snmp', 'utf8'),
        readFileSync('/proc/thread-self/net/netstat', 'utf8'),
      ]) as [string, string];
      const values = changes({}, parseCounters(snmp, netstat));
      return [{ t: now(), source: 'counters', kind: 'counters', space: name, values } satisfies CountersEvent];
    },
  }),
};
