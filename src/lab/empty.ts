import { runTool } from '../process/tool.ts';
import { canAbortOrphans } from './orphan.ts';
import { type Space, setSysctls, socketsIn } from './space.ts';

/** A namespace, and how many sockets hold it. */
export interface Kept {
  readonly inode: number;
  readonly sockets: number;
}

/** How the sockets of a namespace are counted and ended. */
export interface Emptying {
  readonly sockets: () => number;
  /** Ends them; resolves with the ms that they may take, all in all. */
  readonly end: () => Promise<number>;
}

/** A socket that `ss -K` aborts is gone within 250 ms. */
const abortedMs = 2000;
/** What the kernel gives up by itself goes at its next retransmission, which after five of them is 6.4 s away. */
const givenUpMs = 10_000;
/** States that have an owner: what is left in the others is an orphan. */
const owned = ['established', 'syn-sent', 'syn-recv', 'close-wait', 'listening'].flatMap((state) => ['state', state]);

/** How a namespace's sockets are ended on a kernel that can abort orphans, or cannot. */
export function emptying(space: Space, canAbort: () => Promise<boolean> = canAbortOrphans): Emptying {
  const abort = (...which: readonly string[]) => space.inside(() => runTool('ss', ['-K', '-taH', ...which]));
  let isToGiveUp = false;
  return {
    sockets: () => socketsIn(space),
    async end() {
      if (await canAbort()) {
        await abort('state', 'all');
        return abortedMs;
      }
      if (!isToGiveUp) {
        isToGiveUp = true;
        space.inside(() => setSysctls({ 'net.ipv4.tcp_orphan_retries': 1 }));
        await abort(...owned);
      }
      return givenUpMs;
    },
  };
}

/**
 * Waits until no socket holds the namespace: an orphan in FIN-WAIT-1 would keep it for minutes after its last descriptor is closed. What
 * is left is aborted; where the kernel cannot abort orphans, it is to give them up early. Returns what holds it all the same.
 */
export async function emptied(space: Space, { sockets, end }: Emptying = emptying(space)): Promise<Kept> {
  const began = performance.now();
  let withinMs = Number.POSITIVE_INFINITY;
  let pause = 1;
  for (;;) {
    const left = sockets();
    if (left === 0 || performance.now() - began > withinMs) return { inode: space.inode, sockets: left };
    if (pause > 2) withinMs = await end();
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 100);
  }
}
